import type { Claims } from '../../src/domain/claims.ts'
import { createNodeCertificateSignatures } from '../../src/runtimes/node/certificate-signatures.ts'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { createNodeIds } from '../../src/runtimes/node/platform.ts'
import { createWebDecryption } from '../../src/runtimes/web/decryption.ts'
import { openPlaceOn, type Place, type PlaceOptions, type Platform } from './platform-place.ts'
import { testSignatures } from './signing.ts'

export type { Place, PlaceOptions }

/** What Node gives to a place, as to a dragoman in production. */
export const nodePlatform = (): Platform => ({
  signatures: testSignatures,
  certificateSignatures: createNodeCertificateSignatures(),
  decryption: createWebDecryption(),
  digest: createNodeDigest(),
  ids: createNodeIds(),
})

/** Opens a desk over `documents`; throws with every fault when they are not good. */
export const openPlace = (options: PlaceOptions): Promise<Place> => openPlaceOn(nodePlatform(), options)

/** The public members of a JWK (RFC 7517, RFC 7518 section 6). */
export const publicJwk = (jwk: Claims): Claims =>
  Object.fromEntries(
    Object.entries(jwk).filter(([name]) => !['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv'].includes(name)),
  )
