import { type AssertionDefaults, freshId } from './saml-assertion-text.ts'
import { namespaces } from './saml-names.ts'
import { attributesText, instant, textOf } from './saml-text.ts'

export interface ResponseOptions {
  readonly id?: string
  readonly status?: string
  readonly destination?: string
  /** XML before the Status. */
  readonly extensions?: string
  /** XML after the Status. */
  readonly content?: string
  /** Further namespaces that the root declares. */
  readonly declared?: Readonly<Record<string, string>>
}

/** A samlp:Response (SAML core 3.3.3) around `content`, not signed. */
export const responseText = (options: ResponseOptions, { now, issuer, recipient }: AssertionDefaults): string => {
  const { id = freshId(), status = 'urn:oasis:names:tc:SAML:2.0:status:Success', destination = recipient } = options
  const declared = Object.entries(options.declared ?? {}).map(([name, uri]): [string, string] => [`xmlns:${name}`, uri])
  const attributes = {
    'xmlns:samlp': namespaces.samlp,
    ...Object.fromEntries(declared),
    ID: id,
    Version: '2.0',
    IssueInstant: instant(now, -5),
    Destination: destination,
  }
  const from = `<saml:Issuer xmlns:saml="${namespaces.saml}">${textOf(issuer)}</saml:Issuer>`
  const code = `<samlp:Status><samlp:StatusCode Value="${status}"/></samlp:Status>`
  return `<samlp:Response${attributesText(attributes)}>${from}${options.extensions ?? ''}${code}${options.content ?? ''}</samlp:Response>`
}
