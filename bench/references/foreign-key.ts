import { importJWK } from 'jose'
import * as z from 'zod'

/** What `jwtVerify` takes as a key. */
export type ForeignKey = Awaited<ReturnType<typeof importJWK>>

const discoveryDocument = z.object({ jwks_uri: z.string() })
const keySet = z.object({ keys: z.tuple([z.record(z.string(), z.unknown())]) })

/** Fetches the foreign issuer's key once and imports it: the best that a cache of keys can do. */
export const foreignKey = async (discovery: string): Promise<ForeignKey> => {
  const { jwks_uri } = discoveryDocument.parse(await (await fetch(discovery)).json())
  const { keys } = keySet.parse(await (await fetch(jwks_uri)).json())
  return importJWK(keys[0], 'RS256')
}
