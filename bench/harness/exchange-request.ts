import { createPrivateKey, randomUUID } from 'node:crypto'
import * as z from 'zod'
import { exchangeForm } from './exchange-setup.ts'
import { type Signing, signJwt } from './jwt.ts'

/** Where an exchange is asked for, or a gateway asks about a request, and how who asks proves itself there. */
export const exchangeTarget = z.object({
  port: z.number(),
  path: z.string(),
  /** The Authorization header of a client with a secret. */
  authorization: z.string().optional(),
  /** What a client with a key signs its assertions with, and for whom. */
  assertion: z
    .object({ clientId: z.string(), audience: z.string(), kid: z.string(), jwk: z.record(z.string(), z.unknown()) })
    .optional(),
  /** The headers that a gateway adds which asks about a request with the token in it; absent: it is a form. */
  forwarded: z.record(z.string(), z.string()).optional(),
})
export type ExchangeTarget = z.infer<typeof exchangeTarget>

const assertionSeconds = 60
const assertionType = encodeURIComponent('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')

/** Returns the function that makes the form for a subject token, each with a fresh client assertion where one is due. */
export const formsFor = ({ assertion }: ExchangeTarget): ((subjectToken: string) => string) => {
  if (assertion === undefined) return (token) => `${exchangeForm}&subject_token=${token}`
  const fresh = freshAssertions(assertion)
  return (token) =>
    `${exchangeForm}&subject_token=${token}&client_assertion_type=${assertionType}&client_assertion=${fresh()}`
}

/** Returns the function that makes the whole request for a token, as it stands on the wire. */
export const requestsFor = (target: ExchangeTarget): ((token: string) => string) => {
  const head = (method: string) => [`${method} ${target.path} HTTP/1.1`, `Host: 127.0.0.1:${target.port}`]
  if (target.forwarded !== undefined) {
    const added = Object.entries(target.forwarded).map(([name, value]) => `${name}: ${value}`)
    return (token) => [...head('GET'), ...added, `Authorization: Bearer ${token}`, '', ''].join('\r\n')
  }
  const formFor = formsFor(target)
  const authorization = target.authorization === undefined ? [] : [`Authorization: ${target.authorization}`]
  const fixed = [...head('POST'), 'Accept: application/json', `Content-Type: ${formType}`, ...authorization]
  return (token) => {
    const form = formFor(token)
    return [...fixed, `Content-Length: ${form.length}`, '', form].join('\r\n')
  }
}

const formType = 'application/x-www-form-urlencoded'

/** Client assertions as RFC 7523 section 3 has them. */
const freshAssertions = ({ clientId, audience, kid, jwk }: NonNullable<ExchangeTarget['assertion']>) => {
  const signing: Signing = { alg: 'ES256', kid, key: createPrivateKey({ key: jwk, format: 'jwk' }) }
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: clientId, sub: clientId, aud: audience, iat, exp: iat + assertionSeconds }
  return (): string => signJwt(signing, { ...claims, jti: randomUUID() })
}
