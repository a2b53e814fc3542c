import { createHash, createPublicKey, verify } from 'node:crypto'
import { subjectOf } from '../harness/saml-assertions.ts'
import { answerWithAssertions } from '../harness/saml-work.ts'

/**
 * The least that an assertion can cost on this machine: one RS256 verification under an imported key, and a SHA-256 over
 * as many octets as the assertion has. Nothing is parsed.
 */

answerWithAssertions((assertions, { certificate }) => {
  const key = createPublicKey(certificate)
  const ready = assertions.map((xml) => {
    const info = partOf(xml, '<ds:SignedInfo>', '</ds:SignedInfo>')
    const signed = info.replace('>', ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')
    const value = partOf(xml, '<ds:SignatureValue>', '</ds:SignatureValue>').replace(/<[^>]*>/g, '')
    return { octets: Buffer.from(xml, 'latin1'), signed: Buffer.from(signed), value: Buffer.from(value, 'base64') }
  })
  return () => (n) => {
    const one = ready[n]
    if (one === undefined || createHash('sha256').update(one.octets).digest().length !== 32)
      throw new Error('no digest')
    if (!verify('sha256', one.signed, key, one.value)) throw new Error('the signature is wrong')
    return subjectOf(n)
  }
})

const partOf = (xml: string, start: string, end: string): string =>
  xml.slice(xml.indexOf(start), xml.indexOf(end) + end.length)
