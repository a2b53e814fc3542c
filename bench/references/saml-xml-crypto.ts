import { SignedXml } from 'xml-crypto'
import { answerWithAssertions } from '../harness/saml-work.ts'

/**
 * The library that most of JavaScript verifies XML signatures with, as it asks to be used: the key is pinned, and what
 * was signed is taken from it. No conditions are judged, and of what was signed only the name is looked for.
 */

answerWithAssertions((assertions, { certificate }) => () => (n) => {
  const xml = assertions[n] ?? ''
  const checker = new SignedXml({ publicCert: certificate, getCertFromKeyInfo: () => null })
  checker.loadSignature(
    xml.slice(xml.indexOf('<ds:Signature '), xml.indexOf('</ds:Signature>') + '</ds:Signature>'.length),
  )
  if (!checker.checkSignature(xml)) throw new Error('the signature is wrong')
  const [content = ''] = checker.getSignedReferences()
  return /<saml:NameID [^>]*>([^<]*)</.exec(content)?.[1] ?? ''
})
