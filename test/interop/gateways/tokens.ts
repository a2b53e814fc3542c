import type { JWTPayload } from 'jose'
import { type TestKey, testKey } from '../../world/signing.ts'

/** An issuer whose keys dragoman has in a file, so that nothing has to be asked. */
export interface Issuer {
  readonly keySet: string
  /** An access token of somebody; `claims` add to it or replace what is in it. */
  readonly token: (claims?: JWTPayload) => Promise<string>
  /** The same by a key that nobody has published. */
  readonly forged: () => Promise<string>
}

export const issuerId = 'https://idp.test.example'

export const audience = 'https://dragoman.test.example'

const claimsOf = (changes: JWTPayload) => {
  const now = Math.floor(Date.now() / 1000)
  const usual = { iss: issuerId, aud: audience, sub: 'ada', iat: now, exp: now + 600, scope: 'orders:read' }
  return { ...usual, client_id: 'web', jti: crypto.randomUUID(), ...changes }
}

export const newIssuer = async (): Promise<Issuer> => {
  const [published, other] = [await testKey('published'), await testKey('published')]
  const signed = (key: TestKey, changes: JWTPayload) => key.sign({ ...claimsOf(changes) }, { typ: 'at+jwt' })
  return {
    keySet: JSON.stringify({ keys: [published.publicJwk] }),
    token: (claims = {}) => signed(published, claims),
    forged: () => signed(other, {}),
  }
}
