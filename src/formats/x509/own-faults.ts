import type { Instant } from '../../domain/time.ts'
import type { Certificate } from './certificate.ts'
import { purposeOids } from './extensions.ts'
import type { PathFault } from './path-error.ts'
import { isStrongKey } from './public-key.ts'

/** What a certificate is judged by on its own, before any signature is checked for its sake. */
export interface OwnJudgement {
  readonly at: Instant
  readonly extendedKeyUsage?: 'clientAuth' | 'serverAuth'
  /** Must the leaf name the key of its issuer, as RFC 5280 section 4.2.1.1 asks of whoever made it? True if absent. */
  readonly needsAuthorityKeyIdentifier?: boolean
}

/** What is wrong with one certificate. */
export interface OwnFault {
  readonly fault: PathFault
  readonly detail: string
}

type Rule = (certificate: Certificate, judgement: OwnJudgement) => boolean

/** A fault of every certificate that `isBroken` is true of. */
const rule = (fault: PathFault, detail: string, isBroken: Rule) => ({ fault, detail, isBroken })

type Rules = readonly ReturnType<typeof rule>[]

const firstBroken = (rules: Rules, certificate: Certificate, judgement: OwnJudgement): OwnFault | undefined =>
  rules.find(({ isBroken }) => isBroken(certificate, judgement))

const isAuthority: Rule = ({ extensions }) => extensions.basicConstraints?.ca === true
const namesNoSigner: Rule = ({ extensions }, { needsAuthorityKeyIdentifier = true }) =>
  needsAuthorityKeyIdentifier && extensions.authorityKeyIdentifier?.keyIdentifier === undefined

/** Both ends are included, and a second lasts until the next one begins (RFC 5280 section 4.1.2.5). */
const validity: Rules = [
  rule(
    'not_yet_valid',
    'a certificate of the path is not valid yet',
    ({ notBefore }, { at }) => !(Math.floor(at) >= notBefore),
  ),
  rule('expired', 'a certificate of the path has expired', ({ notAfter }, { at }) => !(Math.floor(at) <= notAfter)),
]

const forEveryUse: Rules = [
  ...validity,
  rule(
    'extension',
    'a certificate of the path has a critical extension that is not understood',
    ({ extensions }) => extensions.unknownCritical.length > 0,
  ),
  rule(
    'extension',
    'a certificate of the path has critical policies with a qualifier that is not understood',
    ({ extensions: { certificatePolicies } }) =>
      certificatePolicies?.critical === true && !certificatePolicies.areQualifiersKnown,
  ),
  rule(
    'algorithm',
    'a certificate of the path has a key of a kind or size that is not accepted',
    ({ key }) => !isStrongKey(key),
  ),
]

const forThePurpose: Rules = [
  rule(
    'usage',
    'a certificate of the path is not for this purpose',
    (certificate, { extendedKeyUsage }) => !allowsPurpose(certificate, extendedKeyUsage),
  ),
]

/** RFC 5280 sections 4.2.1.1, 4.2.1.9, 4.2.1.10 and 4.2.1.12; X509-SVID section 4.1 for authorities as clients. */
const ofLeaves: Rules = [
  rule('usage', 'the leaf is an authority', isAuthority),
  rule(
    'usage',
    'the leaf may sign certificates and is no authority',
    ({ extensions }) => extensions.keyUsage?.usages.has('keyCertSign') === true,
  ),
  rule(
    'malformed',
    'the leaf has name constraints and is no authority',
    ({ extensions }) => extensions.nameConstraints !== undefined,
  ),
  rule('malformed', 'the leaf has no authority key identifier', namesNoSigner),
  rule(
    'usage',
    'the key usage of the leaf does not go together with its purpose',
    (leaf, { extendedKeyUsage }) => extendedKeyUsage === 'clientAuth' && !canAuthenticate(leaf),
  ),
]

/**
 * RFC 5280 section 6.1.4 (k) and (n). Key identifiers, and whether basicConstraints is critical, are matters of who
 * makes certificates and not of the algorithm that judges them.
 */
const ofIssuers: Rules = [
  rule('usage', 'an issuer of the path is no authority', (issuer, judgement) => !isAuthority(issuer, judgement)),
  rule(
    'usage',
    'an authority of the path may not sign certificates',
    ({ extensions }) => extensions.keyUsage?.usages.has('keyCertSign') === false,
  ),
]

/** RFC 5280 section 4.1.2.2. */
const ofIssuedOnes: Rules = [
  rule(
    'malformed',
    'a certificate of the path has a serial number that is not positive',
    ({ serial }) => serial === '00' || serial.startsWith('-'),
  ),
]

const ofAnchors: Rules = [
  rule(
    'malformed',
    'the basic constraints of the trust anchor are not critical',
    ({ extensions }) => extensions.basicConstraints?.critical === false,
  ),
]

/** RFC 5280 section 6.3.3 (f): a signer of CRLs need not be an authority. */
const ofCrlSigners: Rules = [
  rule(
    'usage',
    'the signer of a CRL may not sign CRLs',
    ({ extensions }) => extensions.keyUsage?.usages.has('cRLSign') === false,
  ),
  ...forEveryUse,
]

const rulesForLeaves: Rules = [...ofLeaves, ...ofIssuedOnes, ...forEveryUse, ...forThePurpose]
const rulesForIssuers: Rules = [...ofIssuers, ...ofIssuedOnes, ...forEveryUse, ...forThePurpose]
const rulesForAnchors: Rules = [...ofIssuers, ...ofAnchors, ...forEveryUse, ...forThePurpose]

/** What is wrong with `leaf` by itself, whoever issued it. */
export const leafFault = (leaf: Certificate, judgement: OwnJudgement): OwnFault | undefined =>
  firstBroken(rulesForLeaves, leaf, judgement)

/** What keeps `candidate` from issuing anything, whatever it issued. */
export const issuerFault = (candidate: Certificate, judgement: OwnJudgement): OwnFault | undefined =>
  firstBroken(rulesForIssuers, candidate, judgement)

/**
 * The same of an anchor. For RFC 5280 it is a name and a key. But whoever configures a certificate means all of it (RFC
 * 5937), and can have it reissued: so it is held to its dates, its extensions, and to the profile of section 4.2.1.9.
 */
export const anchorFault = (anchor: Certificate, judgement: OwnJudgement): OwnFault | undefined =>
  firstBroken(rulesForAnchors, anchor, judgement)

/** What keeps `signer` from signing CRLs. */
export const crlSignerFault = (signer: Certificate, judgement: OwnJudgement): OwnFault | undefined =>
  firstBroken(ofCrlSigners, signer, judgement)

/**
 * Is the certificate good for the purpose (RFC 5280 section 4.2.1.12)? Without the extension it is for every purpose.
 * In an authority it limits what is issued, as everyone but the RFC says.
 */
const allowsPurpose = ({ extensions }: Certificate, purpose: OwnJudgement['extendedKeyUsage']): boolean => {
  if (purpose === undefined || extensions.extendedKeyUsage === undefined) return true
  const { purposes } = extensions.extendedKeyUsage
  return purposes.includes(purposeOids[purpose]) || purposes.includes(purposeOids.anyExtendedKeyUsage)
}

/** A client signs, or agrees on keys: where both extensions are there, they have to go together (section 4.2.1.12). */
const canAuthenticate = ({ extensions }: Certificate): boolean => {
  const usages = extensions.extendedKeyUsage === undefined ? undefined : extensions.keyUsage?.usages
  return usages === undefined || usages.has('digitalSignature') || usages.has('keyAgreement')
}
