import { createPrivateKey, randomUUID } from 'node:crypto'
import * as z from 'zod'
import { exchangeForm } from './exchange-setup.ts'
import { type Signing, signJwt } from './jwt.ts'

/** Where an exchange is asked for, and how the client proves itself there. */
export const exchangeTarget = z.object({
  port: z.number(),
  path: z.string(),
  /** The Authorization header of a client with a secret. */
  authorization: z.string().optional(),
  /** What a client with a key signs its assertions with, and for whom. */
  assertion: z
    .object({ clientId: z.string(), audience: z.string(), kid: z.string(), jwk: z.record(z.string(), z.unknown()) })
    .optional(),
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

/** Client assertions as RFC 7523 section 3 has them. */
const freshAssertions = ({ clientId, audience, kid, jwk }: NonNullable<ExchangeTarget['assertion']>) => {
  const signing: Signing = { alg: 'ES256', kid, key: createPrivateKey({ key: jwk, format: 'jwk' }) }
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: clientId, sub: clientId, aud: audience, iat, exp: iat + assertionSeconds }
  return (): string => signJwt(signing, { ...claims, jti: randomUUID() })
}
