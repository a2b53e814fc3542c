import type { SpiffeId } from '../../src/domain/spiffe-id.ts'
import { decodeBase64 } from '../../src/formats/base64.ts'
import { FormatError } from '../../src/formats/format-error.ts'
import { type Certificate, parseCertificate } from '../../src/formats/x509/certificate.ts'
import { parseCrl } from '../../src/formats/x509/crl.ts'
import { PathError, validatePath } from '../../src/formats/x509/path.ts'
import { spiffeIdOf, validateSvid, X509SvidError } from '../../src/formats/x509-svid.ts'
import type { CertificateSignatures } from '../../src/ports/certificate-signatures.ts'

/** Questions about chains that travel as JSON, and their answers. Nothing here names a platform. */

/** Certificates and CRLs are base64 DER. */
interface Presented {
  readonly leaf: string
  readonly intermediates: readonly string[]
  /** Seconds since 1970. */
  readonly at: number
}

/** Does the chain lead to one of the anchors (RFC 5280 section 6)? */
export interface PathQuestion extends Presented {
  readonly kind: 'path'
  readonly anchors: readonly string[]
  readonly crls?: readonly string[]
  readonly extendedKeyUsage?: 'clientAuth' | 'serverAuth'
  readonly maxIntermediates?: number
}

/** Is the leaf an X.509-SVID of the trust domain that it names (X509-SVID section 5)? */
export interface SvidQuestion extends Presented {
  readonly kind: 'svid'
  /** The authorities of each trust domain. */
  readonly bundles: Readonly<Record<string, readonly string[]>>
}

export type ChainQuestion = PathQuestion | SvidQuestion

export type ChainAnswer =
  | { readonly accepted: true; readonly path: readonly string[]; readonly spiffeId?: string }
  | { readonly accepted: false; readonly fault: string }

/** Answers `question`. Whatever is no refusal is thrown: it is a defect. */
export const answerTo = async (question: ChainQuestion, signatures: CertificateSignatures): Promise<ChainAnswer> => {
  try {
    return question.kind === 'path' ? await pathAnswer(question, signatures) : await svidAnswer(question, signatures)
  } catch (thrown) {
    const fault = faultOf(thrown)
    if (fault === undefined) throw thrown
    return { accepted: false, fault }
  }
}

const pathAnswer = async (question: PathQuestion, signatures: CertificateSignatures): Promise<ChainAnswer> => {
  const { extendedKeyUsage, maxIntermediates, crls } = question
  const request = {
    ...chainIn(question),
    anchors: readable(question.anchors, parseCertificate),
    at: question.at,
    ...(extendedKeyUsage === undefined ? {} : { extendedKeyUsage }),
    ...(maxIntermediates === undefined ? {} : { maxIntermediates }),
    ...(crls === undefined ? {} : { crls: readable(crls, parseCrl) }),
  }
  const { certificates } = await validatePath(request, signatures)
  return { accepted: true, path: serialsOf(certificates) }
}

const svidAnswer = async (question: SvidQuestion, signatures: CertificateSignatures): Promise<ChainAnswer> => {
  const chain = chainIn(question)
  const id = spiffeIdOf(chain.leaf)
  const judgement = { authorities: authoritiesOf(id, question), at: question.at, purpose: 'clientAuth' } as const
  const { certificates } = await validateSvid({ ...chain, id }, judgement, signatures)
  return { accepted: true, path: serialsOf(certificates), spiffeId: id.text }
}

const authoritiesOf = ({ trustDomain }: SpiffeId, { bundles }: SvidQuestion): readonly Certificate[] =>
  readable(Object.hasOwn(bundles, trustDomain) ? (bundles[trustDomain] ?? []) : [], parseCertificate)

const chainIn = ({ leaf, intermediates }: Presented) => ({
  leaf: parseCertificate(decodeBase64(leaf)),
  intermediates: readable(intermediates, parseCertificate),
})

/** What cannot be read is not there; only a leaf must be. */
const readable = <T>(texts: readonly string[], parse: (der: Uint8Array) => T): readonly T[] =>
  texts.flatMap((text) => {
    try {
      return [parse(decodeBase64(text))]
    } catch (thrown) {
      if (thrown instanceof FormatError) return []
      throw thrown
    }
  })

const serialsOf = (path: readonly Certificate[]): readonly string[] => path.map(({ serial }) => serial)

const faultOf = (thrown: unknown): string | undefined => {
  if (thrown instanceof PathError) return `path: ${thrown.fault}`
  if (thrown instanceof X509SvidError) return `svid: ${thrown.fault}`
  return thrown instanceof FormatError ? 'malformed' : undefined
}
