/** Claims that a token of ours gives a meaning of its own: no document may map a value to them. */
const reserved: ReadonlySet<string> = new Set(
  [
    'iss sub aud exp nbf iat jti act may_act cnf scope client_id txn map rule map_version',
    'tenant groups roles entitlements identity_type auth_time acr amr sid events status token_use typ',
    '_claim_names _claim_sources constructor prototype __proto__ toString valueOf hasOwnProperty',
  ].flatMap((line) => line.toLowerCase().split(' ')),
)

/** Written in any case: some readers do not tell `Sub` from `sub`. */
export const isReserved = (name: string): boolean => reserved.has(name.toLowerCase())
