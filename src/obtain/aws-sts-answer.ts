import type { Obtained } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { FormatError } from '../formats/format-error.ts'
import { parseXml, type XmlElement, type XmlLimits } from '../formats/xml/document.ts'
import { everyElement, textIn } from '../formats/xml/reading.ts'
import type { HttpResponse } from '../ports/http.ts'
import { textOf } from '../sources/json-document.ts'
import { instantIn, invalidAnswer, refusedBy, tokenIn, wordIn } from './answers.ts'

/** What AWS STS answers (API version 2011-06-15). */

const limits: XmlLimits = { characters: 65_536, depth: 12, elements: 128, attributes: 8 }

/** Codes that speak of the moment and not of us. */
const passing: ReadonlySet<string> = new Set(['IDPCommunicationError', 'Throttling', 'ThrottlingException'])

/** @throws Refusal `partner.refused`, `partner.unavailable`, `partner.invalid_answer` */
export const stsCredentials = ({ status, body }: HttpResponse): Obtained => {
  const root = xmlOf(body)
  if (status !== 200) throw failure(status, root)
  const credentials = root && sole(root, 'Credentials')
  if (root?.local !== 'AssumeRoleWithWebIdentityResponse' || credentials === undefined)
    throw invalidAnswer('STS does not answer with credentials')
  const text = (name: string) => textOfSole(credentials, name)
  return {
    parts: {
      access_key_id: tokenIn(text('AccessKeyId'), 'AccessKeyId'),
      secret_access_key: tokenIn(text('SecretAccessKey'), 'SecretAccessKey'),
      session_token: tokenIn(text('SessionToken'), 'SessionToken'),
      expiration: tokenIn(text('Expiration'), 'Expiration'),
    },
    expiresAt: instantIn(text('Expiration'), 'Expiration'),
  }
}

const failure = (status: number, root: XmlElement | undefined): Refusal => {
  const error = root && sole(root, 'Error')
  const code = error && wordIn(textOfSole(error, 'Code'))
  if (code !== undefined && passing.has(code)) return new Refusal('partner.unavailable', `STS answers: ${code}`)
  return refusedBy('STS', status, code)
}

const xmlOf = (body: Uint8Array): XmlElement | undefined => {
  try {
    return parseXml(textOf(body), limits)
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}

const sole = (within: XmlElement, local: string): XmlElement | undefined => {
  const [found, ...others] = everyElement(within).filter((element) => element.local === local)
  return others.length === 0 ? found : undefined
}

const textOfSole = (within: XmlElement, local: string): string => {
  const element = sole(within, local)
  if (element === undefined) throw invalidAnswer(`STS answers without ${local}`)
  try {
    return textIn(element).trim()
  } catch (cause) {
    if (cause instanceof FormatError) throw invalidAnswer(`STS: ${cause.message}`)
    throw cause
  }
}
