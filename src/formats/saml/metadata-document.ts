import { FormatError } from '../format-error.ts'
import { sameBytes } from '../same-bytes.ts'
import type { PublicKey } from '../x509/certificate-key.ts'
import { parseXml, type XmlLimits } from '../xml/document.ts'
import { type EnvelopedSignature, envelopedSignatureIn } from '../xml/signature.ts'
import { checkXmlSignature, type XmlSignaturePorts, type XmlSignatureVerdict } from '../xml/signature-check.ts'
import { type DescribedEntities, describedEntitiesIn, metadataLimits } from './metadata.ts'

/** A metadata document for many to read. It is taken apart when one first asks, and once, also where it is no good. */
export interface MetadataDocument {
  readonly text: string
  /** Those whom it describes, where it is believed for the place it came from. @throws FormatError */
  described(): Promise<DescribedEntities>
  /**
   * The same where it must be signed as a whole (SAML metadata section 3), and the one of `keys` that has signed it. Only
   * what the signature covers is read.
   *
   * @throws FormatError, also when it is not signed or under none of `keys`
   */
  describedUnder(keys: readonly PublicKey[], ports: XmlSignaturePorts): Promise<SignedEntities>
}

export interface SignedEntities {
  readonly described: DescribedEntities
  readonly signer: PublicKey
}

/** Canonical text is longer: it declares a namespace again for every element that uses it. */
const contentLimits: XmlLimits = { ...metadataLimits, characters: 4 * metadataLimits.characters }

/** The document of this text, which is not looked at yet. */
export const metadataDocument = (text: string): MetadataDocument => {
  const signature = once(async () => signatureIn(text))
  const content = once(async () => describedEntitiesIn((await signature()).content, contentLimits))
  const verdictUnder = verdicts(signature)
  return {
    text,
    described: once(async () => describedEntitiesIn(text)),
    async describedUnder(keys, ports) {
      await signature()
      const seen = new Set<XmlSignatureVerdict>()
      for (const signer of keys) {
        const verdict = await verdictUnder(signer)(ports)
        if (verdict === 'holds') return { described: await content(), signer }
        seen.add(verdict)
      }
      throw new FormatError(
        seen.has('digest')
          ? 'the metadata was changed after it was signed'
          : 'the metadata is signed under none of the certificates that may sign it',
      )
    },
  }
}

/** What comes of `make`, made when it is first asked for. A failure that is not the document's is forgotten. */
const once = <T, A extends readonly unknown[]>(make: (...using: A) => Promise<T>): ((...using: A) => Promise<T>) => {
  let made: Promise<T> | undefined
  return (...using) => {
    made ??= make(...using).catch((error: unknown) => {
      if (!(error instanceof FormatError)) made = undefined
      throw error
    })
    return made
  }
}

const signatureIn = (text: string): EnvelopedSignature => {
  const signature = envelopedSignatureIn(parseXml(text, metadataLimits), { longest: contentLimits.characters })
  if (signature === undefined) throw new FormatError('the metadata is not signed')
  return signature
}

type Judging = (ports: XmlSignaturePorts) => Promise<XmlSignatureVerdict>

/** Whether the signature holds under a key. Many have the same key, each as an object of its own. */
const verdicts = (signature: () => Promise<EnvelopedSignature>): ((key: PublicKey) => Judging) => {
  const known: { readonly spki: Uint8Array; readonly judge: Judging }[] = []
  return (key) => {
    const before = known.find(({ spki }) => sameBytes(spki, key.spki))
    if (before !== undefined) return before.judge
    const judge: Judging = once(async (ports) => checkXmlSignature(await signature(), [key], ports))
    known.push({ spki: key.spki, judge })
    return judge
  }
}
