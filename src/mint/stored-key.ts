import * as z from 'zod'
import type { Claims, Json } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { parseJson } from '../formats/json.ts'
import { signingJwk } from '../formats/signing-key.ts'
import { thumbprint } from '../formats/thumbprint.ts'
import type { Digest } from '../ports/digest.ts'
import { type JwsAlgorithm, jwsAlgorithms, type Signatures } from '../ports/signatures.ts'
import type { KeyTimes } from './key-times.ts'

/** A signing key as it is kept. Times are seconds since the epoch. */
export interface StoredKey extends KeyTimes {
  readonly alg: JwsAlgorithm
  /** A private JWK (RFC 7517). */
  readonly privateKey: Claims
}

/** The algorithms that our own keys may have; ES256 unless another is asked for. */
export const mintAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256', 'ML-DSA-65'] as const satisfies JwsAlgorithm[]

const instant = z.number().nonnegative()
const schema = z.strictObject({
  kid: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  alg: z.enum(jwsAlgorithms),
  createdAt: instant,
  activeFrom: instant.optional(),
  retireAt: instant.optional(),
  privateKey: z.record(z.string(), z.string()),
})

/**
 * Reads a key file. The key must be whole and its `kid` must be its own thumbprint.
 *
 * @throws FormatError that says what is wrong and never quotes the file
 */
export const parseStoredKey = async (text: string, digest: Pick<Digest, 'sha256'>): Promise<StoredKey> => {
  const parsed = schema.safeParse(jsonOf(text))
  if (!parsed.success) throw new FormatError(`it is not a key file: ${misfits(parsed.error)}`)
  const { activeFrom, retireAt, ...rest } = parsed.data
  signingJwk(rest.privateKey, rest.alg)
  if ((await thumbprint(rest.privateKey, rest.alg, digest)) !== rest.kid)
    throw new FormatError('its kid is not the thumbprint of its key')
  return {
    ...rest,
    ...(activeFrom === undefined ? {} : { activeFrom }),
    ...(retireAt === undefined ? {} : { retireAt }),
  }
}

/** The cause of a syntax error would quote the file, so it is left behind. */
const jsonOf = (text: string): Json => {
  try {
    return parseJson(text, { maxLength: 32_768, maxDepth: 3 })
  } catch (error) {
    throw new FormatError(error instanceof FormatError ? error.message : 'the text is not JSON')
  }
}

/** The text of a key file. It holds the private key in the clear. */
export const formatStoredKey = (key: StoredKey): string => `${JSON.stringify(key, undefined, 2)}\n`

/**
 * A new key, waiting to be given a time. Its kid does not begin with a hyphen: tools would take it for an option.
 *
 * @throws Error when the runtime cannot do `algorithm`
 */
export const newStoredKey = async (
  algorithm: JwsAlgorithm,
  now: Instant,
  ports: { readonly signatures: Signatures; readonly digest: Pick<Digest, 'sha256'> },
): Promise<StoredKey> => {
  const privateKey = await ports.signatures.generate(algorithm)
  const kid = await thumbprint(privateKey, algorithm, ports.digest)
  return kid.startsWith('-') ? newStoredKey(algorithm, now, ports) : { kid, alg: algorithm, createdAt: now, privateKey }
}

const misfits = (error: z.ZodError): string =>
  [...new Set(error.issues.map(({ path, code }) => `${path.join('.') || 'the document'} (${code})`))].join(', ')
