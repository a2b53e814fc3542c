/**
 * Claims to which a token of ours gives a meaning of its own, or that grant, bind, delegate or revoke something where
 * others read it. No attribute can have such a name (RFC 7519 section 4.1, RFC 8693 section 4, RFC 9068 section 2.2).
 */
const reserved: ReadonlySet<string> = new Set(
  [
    'iss sub aud exp nbf iat jti client_id scope txn act may_act cnf azp nonce sid events sub_id',
    'authorization_details status token_use typ auth_time acr amr',
    'tenant groups roles entitlements identity_type map rule map_version sensitivity proxy_restriction',
    '_claim_names _claim_sources constructor prototype __proto__ tostring valueof hasownproperty',
  ].flatMap((line) => line.split(' ')),
)

/** In any case: some readers do not tell `Sub` from `sub`. */
export const isReservedClaim = (name: string): boolean => reserved.has(name.toLowerCase())
