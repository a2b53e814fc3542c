import * as z from 'zod'
import type { ClientCredential } from '../domain/exchange.ts'
import type { CompactJws } from '../formats/jws.ts'
import type { SignatureHeader } from '../formats/jws-header.ts'
import { JwtSvidError, jwtSvidAlgorithms, jwtSvidHeader } from '../formats/jwt-svid.ts'
import { durationWithin } from '../formats/settings.ts'
import type { Authenticator } from './authenticator.ts'
import {
  assertedSubject,
  invalidAssertion,
  readAssertion,
  requireAssertionSignature,
  requireFirstUse,
  requireForUsNow,
} from './client-assertion.ts'
import {
  lintSpiffeClient,
  type PreparedSpiffeClient,
  prepareSpiffeClient,
  registeredId,
  spiffeClientSettings,
} from './spiffe-client.ts'

const schema = z.strictObject({
  method: z.literal('spiffe_jwt'),
  ...spiffeClientSettings,
  algorithms: z
    .array(z.enum(jwtSvidAlgorithms))
    .min(1)
    .default([...jwtSvidAlgorithms])
    .meta({ description: 'The signature algorithms that are accepted.' }),
  maxLifetime: durationWithin(1, 3_600, 'at most 1h').default(600).meta({
    description:
      'Refuse JWT-SVIDs that are good for longer than this. Without a jti they can be used again as long as they live. Default 10m.',
  }),
})

type JwtConfig = z.output<typeof schema>

interface Prepared extends PreparedSpiffeClient {
  readonly config: JwtConfig
}

/**
 * A JWT-SVID as client assertion (OAuth SPIFFE client authentication section 4.1): its subject is the SPIFFE ID that is
 * registered for the client, and it is meant for us alone. One with a `jti` is good for one request; workloads share
 * those without, so they cannot be.
 */
export const spiffeJwt: Authenticator<JwtConfig, Prepared> = {
  kind: 'spiffe_jwt',
  presentedAs: 'spiffe_jwt',
  schema,
  lint: lintSpiffeClient,
  prepare: async (config, tools) => ({ ...prepareSpiffeClient(config, tools), config }),
  keySets: ({ bundle }) => [bundle],

  async authenticate(credential, clientId, prepared, now, tools) {
    const { jws, claims } = readAssertion(credential)
    const wanted = registeredId(clientId, prepared)
    const { bundle, config } = prepared
    await requireAssertionSignature(jws, svidHeaderOf(jws, config), bundle.jwtKeys, now, tools)
    const { sub, cnf, jti } = claims
    if (sub !== wanted.text) throw invalidAssertion(`sub must be ${wanted.text}`)
    if (cnf !== undefined) throw invalidAssertion('cnf binds the token to a key: it is not a JWT-SVID')
    const until = requireForUsNow(claims, tools.issuer, config.maxLifetime, now)
    if (jti !== undefined) await requireFirstUse(jti, 'spiffe_jwt', clientId, until, now, tools)
  },
}

/**
 * The client that a JWT-SVID is presented for: the `client_id` beside it, or else its `sub`. Not believed; that the SPIFFE
 * ID in `sub` is the one registered for that client is judged with the rest.
 *
 * @throws Refusal `client.credential_invalid`
 */
export const claimedSpiffeClient = (credential: Extract<ClientCredential, { method: 'spiffe_jwt' }>): string => {
  const subject = assertedSubject(credential)
  return credential.id ?? subject
}

const svidHeaderOf = (jws: CompactJws, { algorithms }: JwtConfig): SignatureHeader => {
  try {
    return jwtSvidHeader(jws.header, algorithms)
  } catch (cause) {
    if (!(cause instanceof JwtSvidError)) throw cause
    throw invalidAssertion(cause.message, cause)
  }
}
