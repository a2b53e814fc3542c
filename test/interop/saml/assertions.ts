import { type AssertionOptions, assertionText, freshId } from '../../world/saml-assertion-text.ts'
import { responseText } from '../../world/saml-response-text.ts'
import { audience, recipient } from './believing.ts'
import { type SignatureTemplateOptions, signatureTemplate } from './signature-template.ts'

/** Assertions for other implementations to sign. */

const defaultsOf = (issuer: string) => ({ now: Math.floor(Date.now() / 1000), issuer, audience, recipient })

/** Behind the first Issuer, where SAML wants a signature (SAML core section 2.3.3). */
const afterIssuer = (xml: string, signature: string): string =>
  xml.replace(/<\/(?:[^\s<>:]+:)?Issuer\s*>/, (end) => end + signature)

export interface Asked {
  readonly issuer: string
  readonly assertion?: AssertionOptions
  readonly signature?: SignatureTemplateOptions
}

export const unsignedAssertion = ({ issuer, assertion = {} }: Asked): string =>
  assertionText({ attributes: { mail: 'alice@acme.example', groups: ['a', 'b'] }, ...assertion }, defaultsOf(issuer))

/** An assertion with a Signature in it that is to be filled in. */
export const assertionTemplate = ({ issuer, assertion = {}, signature = {} }: Asked): string => {
  const id = freshId()
  return afterIssuer(
    unsignedAssertion({ issuer, assertion: { ...assertion, id } }),
    signatureTemplate(`#${id}`, signature),
  )
}

/** A Response around an assertion, with a Signature of its own that is to be filled in; `declared` by its root. */
export const responseTemplate = (
  issuer: string,
  assertion: string,
  declared: Readonly<Record<string, string>> = {},
): string => {
  const id = freshId()
  return afterIssuer(
    responseText({ id, content: assertion, declared }, defaultsOf(issuer)),
    signatureTemplate(`#${id}`),
  )
}
