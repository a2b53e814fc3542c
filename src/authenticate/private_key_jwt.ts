import * as z from 'zod'
import type { Claims } from '../domain/claims.ts'
import type { Seconds } from '../domain/time.ts'
import type { CompactJws } from '../formats/jws.ts'
import { HeaderError, type SignatureHeader, signatureHeader } from '../formats/jws-header.ts'
import { url } from '../formats/settings.ts'
import { type JwsAlgorithm, jwsAlgorithms } from '../ports/signatures.ts'
import type { KeySet } from '../sources/key-sets.ts'
import type { Authenticator } from './authenticator.ts'
import {
  assertedSubject,
  invalidAssertion,
  readAssertion,
  requireAssertionSignature,
  requireFirstUse,
  requireForUsNow,
} from './client-assertion.ts'

const schema = z.strictObject({
  method: z.literal('private_key_jwt'),
  jwks: z
    .looseObject({ keys: z.array(z.record(z.string(), z.json())).min(1) })
    .optional()
    .meta({ description: "The client's public keys." }),
  jwksFile: z.string().min(1).optional().meta({ description: 'A file with them, relative to the documents.' }),
  jwksURI: url.optional().meta({ description: 'Where the client publishes them.' }),
  allowHosts: z.array(z.string().min(1)).optional(),
  algorithms: z
    .array(z.enum(jwsAlgorithms))
    .min(1)
    .default(['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'])
    .meta({ description: 'The signature algorithms that are accepted.' }),
})

type KeyConfig = z.output<typeof schema>

interface Prepared {
  readonly keySet: KeySet
  readonly algorithms: readonly JwsAlgorithm[]
}

/** An assertion is made for one request; one that is good for longer is a standing password. */
const maxLifetime: Seconds = 600
const acceptedTypes = ['jwt', 'client-authentication+jwt', 'application/client-authentication+jwt']

/** A JWT signed with the client's private key (RFC 7523 sections 2.2 and 3, as updated by rfc7523bis). */
export const privateKeyJwt: Authenticator<KeyConfig, Prepared> = {
  kind: 'private_key_jwt',
  presentedAs: 'private_key_jwt',
  schema,

  lint(config) {
    const given = [config.jwks, config.jwksFile, config.jwksURI].filter((place) => place !== undefined)
    return given.length === 1
      ? []
      : [{ path: '', message: 'name exactly one of jwks, jwksFile, jwksURI', fix: 'jwksFile: client.jwks.json' }]
  },

  async prepare(config, tools) {
    const shared = { algorithms: config.algorithms, staleFor: 3_600, allowHosts: config.allowHosts ?? [] }
    return { algorithms: config.algorithms, keySet: tools.keySets.open({ ...shared, ...keyPlace(config) }) }
  },

  keySets: (prepared) => [prepared.keySet],

  async authenticate(credential, clientId, prepared, now, tools) {
    const { jws, claims } = readAssertion(credential)
    await requireAssertionSignature(jws, signatureHeaderOf(jws, prepared), prepared.keySet, now, tools)
    if (claims['iss'] !== clientId || claims['sub'] !== clientId)
      throw invalidAssertion('iss and sub must both be the client_id')
    const until = requireForUsNow(claims, tools.issuer, maxLifetime, now)
    await requireFirstUse(claims['jti'], 'private_key_jwt', clientId, until, now, tools)
  },
}

const keyPlace = (config: KeyConfig) => {
  if (config.jwks !== undefined) return { jwks: config.jwks as Claims }
  if (config.jwksFile !== undefined) return { jwksFile: config.jwksFile }
  return { jwksURI: config.jwksURI ?? '' }
}

/** The client that an assertion says it is of, by its `sub` (RFC 7523 section 3). Not believed. */
export const claimedClient = assertedSubject

const signatureHeaderOf = (jws: CompactJws, { algorithms }: Prepared): SignatureHeader => {
  const { typ } = jws.header
  if (typ !== undefined && (typeof typ !== 'string' || !acceptedTypes.includes(typ.toLowerCase())))
    throw invalidAssertion('typ is not that of a client assertion')
  try {
    return signatureHeader(jws.header, algorithms)
  } catch (cause) {
    if (!(cause instanceof HeaderError)) throw cause
    throw invalidAssertion(cause.message, cause)
  }
}
