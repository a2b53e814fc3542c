import { proven, type VerifiedCredential } from '../domain/credential.ts'
import { below, paths } from '../domain/endpoints.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { note, type Trace } from '../domain/trace.ts'
import type { NameId } from '../formats/saml/subject.ts'
import { seenToHold } from '../formats/xml/signature-check.ts'
import type { DecryptionKey } from '../ports/decryption.ts'
import { openSamlKeys, type SamlKeys } from '../sources/saml-metadata.ts'
import { subjectOf } from './claim-shapes.ts'
import { requireFirstUse } from './first-use.ts'
import { endOfProof } from './lasting-token.ts'
import { onwardIn } from './onward-claim.ts'
import { assumeAssertion } from './saml-assumed.ts'
import { audiencesOf, authenticationOf, samlClaims } from './saml-claims.ts'
import { type AssertionTerms, judgeConditions } from './saml-conditions.ts'
import { lintSaml, recipientsOf, type SamlConfig, samlSchema } from './saml-config.ts'
import { openedAssertion, openedName } from './saml-encryption.ts'
import { type PresentedAssertion, type ReadableAssertion, readPresented } from './saml-presented.ts'
import { requireAssertionSignature } from './saml-signature.ts'
import type { Tools, Verifier } from './verifier.ts'

interface Prepared {
  readonly config: SamlConfig
  readonly terms: AssertionTerms
  readonly keys: SamlKeys
  readonly decryptionKeys: readonly DecryptionKey[]
}

/** SAML 2.0 assertions (RFC 8693 section 3, RFC 7522): bearer assertions, signed by themselves. */
export const saml: Verifier<SamlConfig, PresentedAssertion, Prepared> = {
  kind: 'saml',
  tokenTypes: [tokenTypes.saml2],
  schema: samlSchema,
  issuers: (config) => [config.entityID],
  audiences: (config) => config.audiences,
  clients: (config) => config.clients,
  lint: lintSaml,

  async prepare(config, tools) {
    const [keys, decryptionKeys] = await Promise.all([openKeys(config, tools), importKeys(config, tools)])
    return { config, terms: termsOf(config, tools), keys, decryptionKeys }
  },

  keySets: ({ keys }) => [keys],

  read: (credential) => (credential.type === tokenTypes.saml2 ? readPresented(credential) : undefined),

  unseal: (presented, sources, tools) =>
    'sealed' in presented ? openedAssertion(presented.sealed, everyKeyOf(sources), tools.ports.decryption) : presented,

  issuerOf: (presented) => readable(presented).assertion.issuer,

  audiencesOf: (presented) => audiencesOf(readable(presented).assertion),

  async verify(presented, prepared, now, tools, trace) {
    const opened = readable(presented)
    const { config, keys, terms, decryptionKeys } = prepared
    if (opened.openedWith !== undefined && !decryptionKeys.some(({ id }) => id === opened.openedWith?.id))
      throw new Refusal('credential.decryption_failed', "the assertion is encrypted to another map's key")
    await requireAssertionSignature(opened.signature, config, keys, now, tools, trace)
    const expiresAt = judged(opened, terms, now, trace)
    const { name } = opened.assertion.subject
    const nameId = 'encrypted' in name ? await openedName(name.encrypted, decryptionKeys, tools.ports.decryption) : name
    const verified = provenBy(opened, nameId, expiresAt, config)
    await claimOnce(opened, config, now, tools)
    return verified
  },

  lasting(presented, { config, keys, terms }, verified) {
    const { assertion, signature } = readable(presented)
    if (isForOneUse(assertion, config)) return undefined
    const isSigner = seenToHold(signature)
    return {
      until: endOfProof(verified, terms),
      stillHolds(now) {
        const current = keys.atOnce(now)
        return current?.keys.some(isSigner) === true ? { stale: current.stale } : undefined
      },
    }
  },

  assume: assumeAssertion,
}

/** Maps that name the same key are tried with it once. */
const everyKeyOf = (sources: readonly Prepared[]): readonly DecryptionKey[] => [
  ...new Map(sources.flatMap(({ decryptionKeys }) => decryptionKeys.map((key) => [key.id, key]))).values(),
]

/** `unseal` comes before everything that asks what an assertion says. */
const readable = (presented: PresentedAssertion): ReadableAssertion => {
  if ('sealed' in presented) throw new Refusal('internal', 'the assertion was not opened')
  return presented
}

const openKeys = (config: SamlConfig, tools: Tools): Promise<SamlKeys> => {
  const { entityID, metadataURL, metadataFile, certificates = [], metadataCertificates, staleKeys } = config
  const place =
    metadataURL === undefined ? (metadataFile === undefined ? { certificates } : { metadataFile }) : { metadataURL }
  return openSamlKeys(
    {
      entityID,
      place,
      staleKeys,
      allowHosts: config.allowHosts ?? [],
      ...(metadataCertificates === undefined ? {} : { metadataCertificates }),
    },
    tools,
  )
}

const importKeys = ({ decryptionKey }: SamlConfig, { ports }: Tools): Promise<readonly DecryptionKey[]> =>
  Promise.all(
    [decryptionKey ?? []]
      .flat()
      .map(async (reference) => ports.decryption.importPrivateKey(await ports.secrets.read(reference))),
  )

const termsOf = (config: SamlConfig, { issuer, mtlsAlias }: Tools): AssertionTerms => {
  const ours = [issuer, mtlsAlias].flatMap((origin) => (origin === undefined ? [] : [below(origin, paths.token)]))
  const { audiences, clockSkew: skew, maxLifetime, maxAge } = config
  return {
    audiences,
    recipients: recipientsOf(config, ours),
    skew,
    maxLifetime,
    ...(maxAge === undefined ? {} : { maxAge }),
  }
}

const judged = ({ assertion }: ReadableAssertion, terms: AssertionTerms, now: Instant, trace: Trace): Instant => {
  const wanted = `audience ${terms.audiences.join(' or ')}, recipient ${terms.recipients.join(' or ')}, times`
  try {
    const expiresAt = judgeConditions(assertion, terms, now)
    note(trace, { stage: 'verify', check: 'conditions', ok: true, wanted })
    return expiresAt
  } catch (cause) {
    if (cause instanceof Refusal)
      note(trace, {
        stage: 'verify',
        check: 'conditions',
        ok: false,
        wanted,
        seen: { value: cause.detail, sensitivity: 'public' },
      })
    throw cause
  }
}

const provenBy = (
  { assertion }: ReadableAssertion,
  nameId: NameId,
  expiresAt: Instant,
  config: SamlConfig,
): VerifiedCredential => {
  const claims = samlClaims(assertion, nameId, expiresAt, config)
  const authentication = authenticationOf(assertion)
  const onward = onwardIn(claims)
  return proven({
    kind: saml.kind,
    issuer: assertion.issuer,
    subject: subjectOf(claims),
    audience: audiencesOf(assertion),
    claims,
    header: {},
    issuedAt: assertion.issuedAt,
    expiresAt,
    id: assertion.id,
    ...(authentication === undefined ? {} : { authentication }),
    ...(onward === undefined ? {} : { onward }),
  })
}

const isForOneUse = ({ conditions }: ReadableAssertion['assertion'], config: SamlConfig): boolean =>
  config.oneTimeUse || conditions.oneTimeUse

/** SAML core section 2.5.1.5: remembered for as long as the assertion could be presented again. */
const claimOnce = async (
  { assertion }: ReadableAssertion,
  config: SamlConfig,
  now: Instant,
  tools: Tools,
): Promise<void> => {
  if (!isForOneUse(assertion, config)) return
  const ends = [
    assertion.conditions.notOnOrAfter,
    ...assertion.subject.confirmations.map(({ data }) => data?.notOnOrAfter),
  ].filter((end) => end !== undefined)
  await requireFirstUse(`saml:${assertion.issuer}`, assertion.id, Math.max(...ends) + config.clockSkew, now, tools)
}
