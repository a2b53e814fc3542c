import * as z from 'zod'

/** What every exchange server of the bench grants, under whichever program. */
export const targetAudience = 'https://orders.bench.example'
export const targetScope = 'orders:read'
export const lifetimeSeconds = 300

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const jwtTokenType = 'urn:ietf:params:oauth:token-type:jwt'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** The two callers: one with a secret, one with a key. */
export const secretClientId = 'bench-secret'
export const keyClientId = 'bench-key'

/** What a reference server must know before it listens. */
export const exchangeSetup = z.object({
  /** Where the foreign issuer's discovery document lies, on loopback. */
  discovery: z.string(),
  clientSecret: z.string(),
  clientJwk: z.record(z.string(), z.unknown()),
})

/** What a server says when it listens on a loopback port. */
export const listening = z.object({ port: z.number() })

/** The fields of an exchange's form but for the tokens. */
export const exchangeForm = new URLSearchParams({
  grant_type: tokenExchange,
  subject_token_type: jwtTokenType,
  audience: targetAudience,
  scope: targetScope,
}).toString()
