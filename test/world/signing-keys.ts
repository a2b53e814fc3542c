import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'

/** A private JWK with the `kid`, `alg` and `use` that a published key set gives it. */
export type SigningKey = JWK & { readonly kid: string; readonly alg: string; readonly use: 'sig' }

/** A new key pair as a private JWK. */
export const newSigningKey = async (alg: 'RS256' | 'ES256', kid: string): Promise<SigningKey> => {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' }
}

/** What anyone may know of `key`. */
export const publicHalf = ({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...rest }: SigningKey): JWK => rest

/** A compact JWS over `claims`, made with `key`. */
export const signed = async (key: SigningKey, claims: JWTPayload, typ?: string): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...(typ === undefined ? {} : { typ }) })
    .sign(await importJWK(key, key.alg))
