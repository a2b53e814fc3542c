import { proven } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import { note } from '../domain/trace.ts'
import { looksLikeJws } from '../formats/jws.ts'
import { jwsAlgorithms } from '../ports/signatures.ts'
import { assumeCanonical } from './canonical-assumed.ts'
import { acceptCanonicalClaims } from './canonical-claims.ts'
import { type CanonicalConfig, canonicalSchema, timeLimitsOf } from './canonical-config.ts'
import { claim, optionalText } from './claim-shapes.ts'
import { requireTokenSignature, tokenHeader } from './jwt-signature.ts'
import { endOfProof, lastingToken } from './lasting-token.ts'
import { type ParsedJwt, presentedJwt } from './presented-jwt.ts'
import type { Verifier } from './verifier.ts'

/** A JWT that names us as its issuer, taken apart. */
interface Presented extends ParsedJwt {
  readonly declared: TokenType
}

/** Stands for us where nobody knows yet who we are. */
const ourselves = 'urn:dragoman:ourselves'

/**
 * Access tokens of our own (RFC 9068), to be narrowed for the next hop. Everything that names us as its issuer is judged
 * here, so that no map can believe it in another way.
 */
export const canonical: Verifier<CanonicalConfig, Presented, CanonicalConfig> = {
  kind: 'canonical',
  // An ID token of ours does not exist: what is declared to be one is refused here.
  tokenTypes: [tokenTypes.accessToken, tokenTypes.jwt, tokenTypes.idToken],
  schema: canonicalSchema,
  isCanonical: true,
  issuers: (_config, us) => [us?.issuer ?? ourselves],
  audiences: (config) => config.audiences,
  clients: (config) => config.clients,
  lint: () => [],
  prepare: async (config) => config,
  keySets: () => [],

  read(credential, us) {
    if (!looksLikeJws(credential.raw.reveal())) return undefined
    const jwt = presentedJwt(credential)
    return claim(jwt.claims, 'iss') === us.issuer ? { declared: credential.type, ...jwt } : undefined
  },

  issuerOf: ({ claims }) => optionalText(claims, 'iss', 2_048),

  audiencesOf: ({ claims }) => [claim(claims, 'aud')].flat().filter((value) => typeof value === 'string'),

  async verify({ declared, jws, claims }, config, now, tools, trace) {
    if (declared === tokenTypes.idToken || claim(jws.header, 'typ') !== 'at+jwt')
      throw new Refusal('credential.type_mismatch', 'the token is of ours, but not an access token presented as such')
    const wanted = { keySet: tools.ownKeys, algorithms: jwsAlgorithms, signer: 'this service' }
    await requireTokenSignature(jws, tokenHeader(jws.header, jwsAlgorithms), wanted, now, tools, trace)
    const transaction = claim(claims, 'txn')
    if (typeof transaction === 'string') trace.transaction = transaction
    const accepted = acceptCanonicalClaims(claims, config, now)
    note(trace, { stage: 'verify', check: 'claims', ok: true, wanted: 'audience, times and depth as the map says' })
    return proven({ kind: canonical.kind, issuer: tools.issuer, claims, header: jws.header, ...accepted })
  },

  lasting({ jws }, config, verified, { ownKeys }) {
    const header = tokenHeader(jws.header, jwsAlgorithms)
    return lastingToken(jws, header, ownKeys, endOfProof(verified, timeLimitsOf(config)))
  },

  assume: assumeCanonical,
}
