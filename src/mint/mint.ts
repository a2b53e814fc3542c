import type { Json } from '../domain/claims.ts'
import type { Grant } from '../domain/grant.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import type { IssuedToken } from '../domain/token.ts'
import type { Trace } from '../domain/trace.ts'
import { encodeBase64url } from '../formats/base64url.ts'
import type { Ports } from '../ports/ports.ts'
import { accessTokenClaims } from './access-token.ts'
import { claimBudget, fitClaims } from './claim-budget.ts'
import { jwtSvidClaims } from './jwt-svid.ts'
import { type Keyring, type Signer, signingKey } from './keyring.ts'

/** What minting needs beside the grant. */
export interface MintContext {
  /** Our issuer identifier. */
  readonly issuer: string
  /** The SPIFFE trust domain that our JWT-SVIDs are of; undefined: none are made. */
  readonly trustDomain: string | undefined
  readonly now: Instant
  readonly ports: Pick<Ports, 'ids' | 'signatures'>
  /** The strings that policy refers to: of groups, only these are worth room in a token that is too large. */
  readonly trust: { readonly referencedStrings: ReadonlySet<string> }
}

/**
 * Grant -> IssuedToken: an RFC 9068 access token or a JWT-SVID, as was granted, under the active key.
 *
 * @throws Refusal `signer.unavailable`, `identity.invalid`, `identity.too_large`, `credential.expired`
 */
export const mint = async (
  grant: Grant,
  keyring: Keyring,
  context: MintContext,
  trace: Trace,
): Promise<IssuedToken> => {
  const signer = signingKey(keyring, context.now)
  if (signer === undefined) throw new Refusal('signer.unavailable', 'no signing key is active')
  const id = context.ports.ids.next()
  const { header, claims, withheld } = drafted(grant, id, signer, context)
  const fitted = fitClaims(claims, header.length, context.trust.referencedStrings)
  const issued = await issue(grant, id, signer, `${header}.${fitted.payload}`, context)
  trace.tokenId = id
  trace.expiresAt = issued.expiresAt
  recordWithheld(withheld, fitted.dropped, grant, trace)
  return issued
}

/** What the token of the granted profile says. */
const drafted = (grant: Grant, id: string, signer: Signer, { issuer, trustDomain }: MintContext) => {
  if (grant.profile === 'access-token') return { header: signer.header, ...accessTokenClaims(grant, issuer, id) }
  if (trustDomain === undefined)
    throw new Refusal('request.token_type_unsupported', 'no trust domain is configured for JWT-SVIDs of ours')
  if (signer.svidHeader === undefined)
    throw new Refusal(
      'signer.unavailable',
      `the active key ${signer.kid} is of an algorithm that JWT-SVIDs do not have`,
    )
  return { header: signer.svidHeader, claims: jwtSvidClaims(grant, trustDomain, issuer, id), withheld: [] }
}

/** Names go into every trace; the dropped groups themselves are claim values and only into a detailed one. */
const recordWithheld = (labels: readonly string[], dropped: readonly Json[], grant: Grant, trace: Trace): void => {
  const byLabel = labels.map((name) => ({ name, because: 'sensitivity' as const }))
  const byBudget = dropped.length > 0 ? [{ name: 'groups', because: 'budget' as const }] : []
  if (byLabel.length + byBudget.length > 0) trace.withheld = [...byLabel, ...byBudget]
  if (!trace.detailed || dropped.length === 0) return
  const sensitivity = grant.identity.groups?.sensitivity
  trace.checks.push({
    stage: 'mint',
    check: 'groups dropped to fit the token',
    ok: true,
    wanted: `at most ${claimBudget} characters of header and payload`,
    seen: { value: dropped, ...(sensitivity === undefined ? {} : { sensitivity }) },
  })
}

const issue = async (
  grant: Grant,
  id: string,
  signer: Signer,
  input: string,
  context: MintContext,
): Promise<IssuedToken> => {
  const issuedAt = Math.floor(grant.issuedAt)
  const expiresAt = Math.floor(grant.expiresAt)
  if (expiresAt <= issuedAt || expiresAt <= context.now)
    throw new Refusal('credential.expired', 'nothing is left of the lifetime of the grant')
  const signature = await sign(signer, input, context)
  return {
    value: secret(`${input}.${encodeBase64url(signature)}`),
    id,
    type: grant.tokenType,
    scheme: grant.profile === 'access-token' ? 'Bearer' : 'N_A',
    scope: grant.scope,
    expiresAt,
    expiresIn: expiresAt - issuedAt,
  }
}

const sign = async (signer: Signer, input: string, { ports }: MintContext): Promise<Uint8Array> => {
  try {
    return await ports.signatures.sign(signer.key, input)
  } catch (cause) {
    throw new Refusal('signer.unavailable', `the signing key ${signer.kid} cannot sign`, { cause })
  }
}
