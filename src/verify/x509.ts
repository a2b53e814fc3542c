import type { Json } from '../domain/claims.ts'
import { proven, type VerifiedCredential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { note, type Trace } from '../domain/trace.ts'
import { decodeBase64url } from '../formats/base64url.ts'
import { asObject } from '../formats/json.ts'
import type { Certificate } from '../formats/x509/certificate.ts'
import { alternativeNames, certificateClaims, distinguishedName } from '../formats/x509/claims.ts'
import { sameName } from '../formats/x509/name.ts'
import { PathError, type ValidPath, validatePath } from '../formats/x509/path.ts'
import { type Crls, openCrls } from '../sources/crls.ts'
import { openTrustAnchors, type TrustAnchors } from '../sources/trust-anchors.ts'
import { presentedChain } from './certificate-chain.ts'
import { refusalOfPath } from './certificate-refusal.ts'
import { isSvid } from './spiffe-x509.ts'
import type { Tools, Verifier } from './verifier.ts'
import { anchorFilesOf, lintX509, type X509Config, x509Schema } from './x509-config.ts'

/** A chain taken apart. */
interface Presented {
  readonly leaf: Certificate
  readonly others: readonly Certificate[]
}

interface Prepared {
  readonly config: X509Config
  readonly anchors: TrustAnchors
  readonly crls?: Crls
}

/** A certificate is for nobody in particular; sources are told apart by the authorities that they trust. */
const noAudience = 'x509'

/** Client certificates of authorities that a map names (RFC 5280). SVIDs are another kind: see spiffe.ts. */
export const x509: Verifier<X509Config, Presented, Prepared> = {
  kind: 'x509',
  tokenTypes: [tokenTypes.x509Chain],
  schema: x509Schema,
  issuers: anchorFilesOf,
  audiences: () => [noAudience],
  clients: (config) => config.clients,
  lint: lintX509,

  async prepare(config, tools) {
    const anchors = await openTrustAnchors(anchorFilesOf(config), tools.ports)
    return {
      config,
      anchors,
      ...(config.revocation === undefined ? {} : { crls: openCrlsOf(config.revocation, tools) }),
    }
  },

  keySets: ({ anchors, crls }) => (crls === undefined ? [anchors] : [anchors, crls]),

  read(credential) {
    if (credential.type !== tokenTypes.x509Chain) return undefined
    const [leaf, ...others] = presentedChain(credential)
    return isSvid(leaf) ? undefined : { leaf, others }
  },

  /** No issuer is named before the path is built; whose it may be is asked of the anchors. */
  issuerOf: () => undefined,

  audiencesOf: (presented, { anchors }, now) => (mayLeadTo(presented, anchors.latest(now)) ? [noAudience] : []),

  async verify(presented, prepared, now, tools, trace) {
    const path = await pathOf(presented, prepared, now, tools, trace)
    const thumbprint = await tools.ports.digest.sha256OfBytes(presented.leaf.der)
    return provenBy(presented.leaf, path, thumbprint, trace)
  },

  assume(claims, config, now) {
    const { not_before: from, not_after: until = now + assumedLifetime, subject, issuer, serial } = claims
    if (typeof until !== 'number') throw new Refusal('credential.claim_invalid', 'not_after is no time')
    if (now > until) throw new Refusal('credential.expired', 'not_after has passed')
    if (typeof from === 'number' && now < from) throw new Refusal('credential.not_yet_valid', 'not_before is to come')
    return proven({
      kind: x509.kind,
      issuer: nameIn(issuer) ?? anchorFilesOf(config).join(', '),
      subject: nameIn(subject) ?? 'a certificate',
      audience: [],
      claims,
      header: {},
      expiresAt: until,
      ...(typeof serial === 'string' ? { id: serial } : {}),
    })
  },
}

/** How long a fixture without not_after is good for, in seconds. */
const assumedLifetime = 86_400

const nameIn = (name: Json | undefined): string | undefined => {
  const dn = asObject(name)?.['dn']
  return typeof dn === 'string' ? dn : undefined
}

const openCrlsOf = (revocation: NonNullable<X509Config['revocation']>, tools: Tools): Crls => {
  const { crlFiles: files = [], crlURLs: urls = [], allowHosts = [], staleFor } = revocation
  return openCrls({ files, urls, allowHosts, staleFor }, tools)
}

/** Some certificate names one of the anchors as its issuer. */
const mayLeadTo = ({ leaf, others }: Presented, anchors: readonly Certificate[]): boolean =>
  anchors.some(({ subject }) => [leaf, ...others].some(({ issuer }) => sameName(issuer, subject)))

const pathOf = async (
  { leaf, others }: Presented,
  { config, anchors, crls }: Prepared,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<ValidPath> => {
  const { extendedKeyUsage, maxIntermediates } = config
  const revocation = await crls?.current(now)
  const request = {
    leaf,
    intermediates: others,
    anchors: await anchors.current(now),
    at: now,
    maxIntermediates,
    ...(extendedKeyUsage === 'any' ? {} : { extendedKeyUsage }),
    ...(revocation === undefined ? {} : { crls: revocation.lists }),
  }
  const wanted = `a path to an authority in ${anchorFilesOf(config).join(', ')}`
  try {
    const path = await validatePath(request, tools.ports.certificateSignatures)
    note(trace, { stage: 'verify', check: 'path', ok: true, wanted })
    return path
  } catch (cause) {
    if (!(cause instanceof PathError)) throw cause
    note(trace, {
      stage: 'verify',
      check: 'path',
      ok: false,
      wanted,
      seen: { value: cause.message, sensitivity: 'public' },
    })
    throw cause.fault === 'status_unknown' && revocation !== undefined && revocation.missing.length > 0
      ? new Refusal('status.unavailable', `no revocation list can be had from ${revocation.missing.join(', ')}`, {
          cause,
        })
      : refusalOfPath(cause)
  }
}

const provenBy = (leaf: Certificate, path: ValidPath, thumbprint: string, trace: Trace): VerifiedCredential => {
  const issuer = distinguishedName(path.certificates.at(-1)?.subject ?? leaf.issuer)
  trace.issuer = issuer
  return proven({
    kind: x509.kind,
    issuer,
    subject: subjectOf(leaf),
    audience: [],
    claims: { ...certificateClaims(leaf, path.policies), fingerprint: hex(decodeBase64url(thumbprint)) },
    header: {},
    expiresAt: path.validUntil,
    id: leaf.serial,
    confirmation: { 'x5t#S256': thumbprint },
  })
}

/** The subject, or where it is empty the alternative name that stands for it (RFC 5280 section 4.1.2.6). */
const subjectOf = (leaf: Certificate): string => {
  const { uri, dns, email } = alternativeNames(leaf)
  const subject = distinguishedName(leaf.subject) || uri[0] || dns[0] || email[0]
  if (subject === undefined) throw new Refusal('credential.claim_invalid', 'the certificate names nobody')
  return subject
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
