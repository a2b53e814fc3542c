import { randomUUID } from 'node:crypto'
import { type SigningKey, signed } from './signing-keys.ts'

/** What a client sends instead of a secret: an assertion for one request (RFC 7523 section 2.2). */
export const clientAssertion = async (key: SigningKey, clientId: string, audience: string) => {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: clientId, sub: clientId, aud: audience, jti: randomUUID(), iat: now, exp: now + 120 }
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signed(key, claims, 'client-authentication+jwt'),
  }
}
