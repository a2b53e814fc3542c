import { createPublicKey } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { verifiers } from '../../src/catalog.ts'
import type { Claims } from '../../src/domain/claims.ts'
import { authenticatedAs } from '../../src/domain/client.ts'
import { secret } from '../../src/domain/secret.ts'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { newTrace } from '../../src/domain/trace.ts'
import { assertionLimits } from '../../src/formats/saml/assertion-document.ts'
import { identityProviderAmong, identityProviderIn } from '../../src/formats/saml/metadata.ts'
import { metadataDocument } from '../../src/formats/saml/metadata-document.ts'
import { type PublicKey, publicKeyOfCertificate } from '../../src/formats/x509/certificate-key.ts'
import { parseXml } from '../../src/formats/xml/document.ts'
import { canonicalText } from '../../src/formats/xml/exclusive-c14n.ts'
import { createNodeCertificateSignatures } from '../../src/runtimes/node/certificate-signatures.ts'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { verify } from '../../src/verify/verify.ts'
import { testKey } from '../world/certificates.ts'
import { openPlace } from '../world/place.ts'
import type { AssertionOptions } from '../world/saml-assertion-text.ts'
import { type SamlIdentityProvider, samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { entitiesText } from '../world/saml-metadata-text.ts'
import { contextClasses, nameIdFormats, namespaces, transforms } from '../world/saml-names.ts'
import { base64url } from '../world/saml-text.ts'
import { assertionWrappings } from '../world/saml-wrapping.ts'
import { testKeyring } from '../world/signing.ts'
import { sealedElement } from '../world/xml-encryption.ts'
import { accepted } from './path-targets.ts'
import type { Target } from './target.ts'
import { changedText, longest, textMutations } from './text-mutations.ts'
import { changedXml } from './xml-mutations.ts'

/** Assertions, metadata and XML. Of what is made from genuine assertions nothing but what they say may be believed. */

const at = Date.UTC(2026, 5, 1, 12) / 1_000
const now = () => at
const us = 'https://dragoman.example.com'
const genuineId = '_genuine'

/** What every genuine assertion says, whatever its form. */
const said: AssertionOptions = {
  id: genuineId,
  attributes: { email: 'alice@example.com', groups: ['employees', 'orders-team'] },
}

const claimsOf = (entityId: string): Claims => ({
  iss: entityId,
  sub: 'alice@example.com',
  aud: [us],
  iat: at - 10,
  nbf: at - 10,
  exp: at + 300,
  jti: genuineId,
  name_id: { value: 'alice@example.com', format: nameIdFormats.emailAddress },
  auth_time: at - 60,
  acr: contextClasses.password,
  session_index: '_session-1',
  attributes: { email: ['alice@example.com'], groups: ['employees', 'orders-team'] },
})

/** Every text, changed as text and as XML, or nothing of the kind. */
const changedFrom = (texts: readonly string[], donors: readonly string[]): fc.Arbitrary<string> => {
  const one = fc.tuple(fc.constantFrom(...texts), textMutations)
  return fc.oneof(
    { arbitrary: one.map(([text, changes]) => changedXml(text, changes, donors)), weight: 17 },
    { arbitrary: one.map(([text, changes]) => changedText(text, changes, donors)), weight: 2 },
    { arbitrary: fc.string({ unit: 'binary', maxLength: 100 }), weight: 1 },
  )
}

/** The stage that proves credentials, over a map that believes `idp`. Opened when it is needed first. */
const provingBy = (idp: SamlIdentityProvider, decryptionKey: string) => {
  const source = { entityID: idp.entityId, certificates: ['idp.pem'], audiences: [us], decryptionKey: { file: 'key' } }
  const rule = {
    name: 'everybody',
    identity: { type: 'user', subject: { claim: 'sub' } },
    grant: { audiences: ['https://orders.example'] },
  }
  const open = async () =>
    openPlace({
      issuer: us,
      now,
      documents: [
        {
          apiVersion: 'dragoman/v1alpha1',
          kind: 'TrustMap',
          metadata: { name: 'idp' },
          spec: { source: { saml: source }, rules: [rule] },
        },
      ],
      files: { 'idp.pem': idp.certificatePem },
      secrets: { key: decryptionKey },
      keyring: await testKeyring(),
    })
  let place: ReturnType<typeof open> | undefined
  const client = authenticatedAs({
    id: 'gateway',
    method: 'client_secret_basic',
    rights: { sources: ['**'], audiences: ['**'], scopes: ['**'] },
  })
  return async (xml: string): Promise<Claims> => {
    place ??= open()
    const { desk } = await place
    const credential = { type: tokenTypes.saml2, raw: secret(base64url(xml)) }
    const trace = newTrace('fuzz', at, true)
    const proof = await verify(credential, { client }, desk.sources, verifiers, desk.mayPresent, at, desk, trace)
    return proof.credential.claims
  }
}

const assertionTargets = (idp: SamlIdentityProvider): readonly Target<string>[] => {
  const ours = testKey('RSA-2048')
  const claims = claimsOf(idp.entityId)
  const prove = provingBy(idp, ours.privateKeyPem)
  const judge = async (xml: string): Promise<void> => {
    if (!isDeepStrictEqual(await prove(xml), claims)) accepted('an assertion that nobody signed')
  }
  const good = [
    idp.signedAssertion(said),
    idp.signedAssertion({ ...said, prefix: '', between: '\n  ' }, { prefix: '', keyInfo: null }),
    idp.signedAssertion({ ...said, declared: { xs: namespaces.xs, xsi: namespaces.xsi } }, { prefixes: ['xs', 'xsi'] }),
  ]
  const forged = idp.assertion({
    ...said,
    id: '_forged',
    nameId: 'admin@example.com',
    attributes: { groups: 'admins' },
  })
  const wrapped = Object.values(assertionWrappings).map((wrap) => wrap(good[0] ?? '', forged))
  const recipient = createPublicKey(ours.privateKey)
  const sealed = (['within', 'beside', 'retrieved'] as const).map((placing) =>
    sealedElement(good[0] ?? '', [recipient], placing),
  )
  const donors = [...good, forged, ...wrapped]
  return [
    {
      name: 'assertion',
      share: 20,
      inputs: fc.oneof({ arbitrary: changedFrom(good, donors), weight: 4 }, changedFrom(wrapped, donors)),
      good,
      judge,
    },
    {
      name: 'encrypted assertion',
      share: 6,
      inputs: fc.oneof(
        changedFrom(sealed, [...sealed, forged]),
        changedFrom(good, donors).map((xml) => sealedElement(xml, [recipient])),
      ),
      good: sealed,
      judge,
    },
    { name: 'heavy assertion', share: 0.5, inputs: heavyAssertions(good[0] ?? ''), good: [], judge },
  ]
}

const range = (count: number, write: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => write(n)).join('')

/** As much of what costs most as a document may have: elements in each other, namespaces, prefixes that are kept. */
const heavyAssertions = (good: string): fc.Arbitrary<string> =>
  fc
    .record({
      depth: fc.integer({ min: 0, max: 28 }),
      declared: fc.integer({ min: 0, max: 16 }),
      used: fc.boolean(),
      prefixes: fc.integer({ min: 0, max: 32 }),
      leaves: fc.integer({ min: 0, max: 8_000 }),
      leaf: fc.constantFrom('<x/>', '<x a="1"/>', '<z:x xmlns:z="urn:z"/>', '<x id="1">&#13;</x>', '<!---->', '&#65;'),
    })
    .map(({ depth, declared, used, prefixes, leaves, leaf }) => {
      const names = (level: number) => range(declared, (n) => ` xmlns:p${level}n${n}="urn:${level}:${n}"`)
      const users = (level: number) => (used ? range(declared, (n) => ` p${level}n${n}:a=""`) : '')
      const start = range(depth, (level) => `<y${names(level)}${users(level)}>`)
      const inside = start + leaf.repeat(leaves) + '</y>'.repeat(depth)
      const list = `<e:InclusiveNamespaces xmlns:e="${transforms.exclusive}" PrefixList="${range(prefixes, (n) => `p${n}n0 `)}"/>`
      return good
        .replace(new RegExp(`(<ds:Transform Algorithm="${transforms.exclusive}")/>`), `$1>${list}</ds:Transform>`)
        .replace('</saml:Assertion>', `${inside.slice(0, longest)}</saml:Assertion>`)
    })

/** Reads it, writes it canonically, and does the same with that: nothing may change any more. */
const readTwice = (text: string): void => {
  const canonical = canonicalText(parseXml(text, assertionLimits))
  const again = canonicalText(parseXml(canonical, { ...assertionLimits, characters: 2 * canonical.length }))
  if (again !== canonical) accepted('a canonical text that is not')
}

const hexOf = ({ spki }: PublicKey): string => Buffer.from(spki).toString('hex')

const metadataTargets = (idp: SamlIdentityProvider): readonly Target<string>[] => {
  const ports = { digest: createNodeDigest(), certificateSignatures: createNodeCertificateSignatures() }
  const other = samlIdentityProvider({ entityId: 'https://other.example/saml', key: 'P-256', now })
  const key = publicKeyOfCertificate(idp.certificate.der)
  const plain = [idp.metadata(), entitiesText([other.metadata(), idp.metadata()], at)]
  const signed = [
    idp.signedMetadata({ validUntil: 3_600, cacheDuration: 'PT1H' }),
    idp.sign(entitiesText([other.metadata(), idp.metadata()], at, { id: '_all' }), { after: /[^>]*>/ }),
  ]
  const donors = [...plain, ...signed, idp.assertion(), other.signedMetadata()]
  return [
    {
      name: 'metadata',
      share: 8,
      inputs: changedFrom(plain, donors),
      good: plain,
      judge: (text) => identityProviderIn(text, idp.entityId),
    },
    {
      name: 'signed metadata',
      share: 8,
      inputs: changedFrom(signed, donors),
      good: signed,
      async judge(text) {
        const { described } = await metadataDocument(text).describedUnder([key], ports)
        const provider = identityProviderAmong(described, idp.entityId)
        if (!isDeepStrictEqual(provider.keys.map(hexOf), [hexOf(key)])) accepted('metadata that nobody signed')
      },
    },
  ]
}

export const samlTargets = (): readonly Target<unknown>[] => {
  const idp = samlIdentityProvider({ key: 'P-256', now, audience: us })
  const documents = [idp.signedAssertion(), idp.signedMetadata(), idp.assertion({ prefix: '', between: '\n\t' })]
  const xml: Target<string> = {
    name: 'xml',
    share: 10,
    inputs: changedFrom(documents, documents),
    good: documents,
    judge: readTwice,
  }
  return [...assertionTargets(idp), ...metadataTargets(idp), xml].map((target): Target<unknown> => target)
}
