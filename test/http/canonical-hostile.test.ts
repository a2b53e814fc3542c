import * as jose from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Claims, Json } from '../../src/domain/claims.ts'
import type { Reason } from '../../src/domain/refusal.ts'
import { type TokenType, tokenTypes } from '../../src/domain/token-type.ts'
import { testKey } from '../world/signing.ts'
import { billing, type CanonicalWorld, ledger, openCanonicalWorld, orders } from './canonical-world.ts'

/** Tokens that are not of ours, not access tokens, or not for whoever presents them, each with its exact answer. */

let world: CanonicalWorld
beforeAll(async () => {
  world = await openCanonicalWorld()
})
afterAll(() => world.stop())

const at = { alg: 'ES256', typ: 'at+jwt', kid: 'ours' } as const

/** The claims of a good token for orders, with `changes`; undefined takes one away. */
const claims = async (changes: Readonly<Record<string, Json | undefined>> = {}): Promise<Claims> =>
  JSON.parse(JSON.stringify({ ...(await world.enter()).claims, ...changes }))

const ours = (changes: Readonly<Record<string, Json | undefined>>) => async () => world.sign(await claims(changes))
const headed = (header: object) => async () => world.sign(await claims(), { ...at, ...header })
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** The header replaced under a genuine signature. */
const reheaded = (header: object) => async () => {
  const [, payload, signature] = (await world.enter()).token.split('.')
  return `${encode(header)}.${payload}.${signature}`
}
const issuedBy = (iss: string) => async () => (await testKey('ours')).sign(await claims({ iss }), at)
const hmac = async () =>
  new jose.SignJWT(await claims())
    .setProtectedHeader({ ...at, alg: 'HS256' })
    .sign(new TextEncoder().encode(JSON.stringify(world.publicJwk)))

type Row = readonly [what: string, reason: Reason, token: () => Promise<string>, type?: TokenType]

const ofOthers: readonly Row[] = [
  ["another issuer's, under our kid", 'issuer.unknown', issuedBy('https://evil.example')],
  ['of our name with a slash', 'issuer.unknown', ours({ iss: 'https://dragoman.example.com/' })],
  ['of our name in capitals', 'issuer.unknown', ours({ iss: 'https://DRAGOMAN.example.com' })],
  ['of our name in a list', 'credential.claim_invalid', ours({ iss: ['https://dragoman.example.com'] })],
  [
    "an attacker's in our name, under our kid",
    'credential.signature_invalid',
    issuedBy('https://dragoman.example.com'),
  ],
  [
    'changed after it was signed',
    'credential.signature_invalid',
    async () => {
      const [header, , signature] = (await world.enter()).token.split('.')
      return `${header}.${encode(await claims({ scope: 'admin' }))}.${signature}`
    },
  ],
  [
    'without a signature',
    'credential.signature_invalid',
    async () => (await world.enter()).token.replace(/[^.]*$/, ''),
  ],
  ['under a key that is retired', 'credential.key_unknown', async () => world.signRetired(await claims())],
  ['under a kid that is not ours', 'credential.key_unknown', headed({ kid: 'idp-1' })],
  ['under no kid', 'credential.key_unknown', headed({ kid: undefined })],
  ['with alg none', 'credential.algorithm_not_allowed', reheaded({ ...at, alg: 'none' })],
  ['with HS256 by our public key', 'credential.algorithm_not_allowed', hmac],
  ['with another algorithm than our key has', 'credential.key_unknown', reheaded({ ...at, alg: 'ES384' })],
  ['with RS256 under our kid', 'credential.key_unknown', reheaded({ ...at, alg: 'RS256' })],
  ['that brings its own key', 'credential.header_not_allowed', headed({ jwk: { kty: 'EC' } })],
  ['that says where its key lies', 'credential.header_not_allowed', headed({ jku: 'https://evil.example/jwks' })],
]

const otherKinds: readonly Row[] = [
  ['an ID token by declaration', 'credential.type_mismatch', ours({}), tokenTypes.idToken],
  ['typ JWT', 'credential.type_mismatch', headed({ typ: 'JWT' })],
  ['typ JWT, as jwt', 'credential.type_mismatch', headed({ typ: 'JWT' }), tokenTypes.jwt],
  ['no typ', 'credential.type_mismatch', headed({ typ: undefined })],
  ['typ in capitals', 'credential.type_mismatch', headed({ typ: 'AT+JWT' })],
  ['typ in another spelling', 'credential.type_mismatch', headed({ typ: 'application/at+jwt' })],
  ['a transaction token', 'credential.type_mismatch', headed({ typ: 'txntoken+jwt' })],
  ['an identity assertion grant', 'credential.type_mismatch', headed({ typ: 'oauth-id-jag+jwt' })],
  ['a logout token', 'credential.type_mismatch', headed({ typ: 'logout+jwt' })],
  ['a security event', 'credential.type_mismatch', headed({ typ: 'secevent+jwt' })],
  ['a SAML assertion by declaration', 'credential.malformed', ours({}), tokenTypes.saml2],
]

const badRestrictions: readonly Row[] = [
  [],
  null,
  'x',
  { count: '0' },
  { count: -1 },
  { count: 0.5 },
  { audiences: orders },
  { audiences: [1] },
  { audience: [orders] },
].map(
  (proxy_restriction): Row => [
    `with the restriction ${JSON.stringify(proxy_restriction)}`,
    'credential.claim_invalid',
    async () => world.sign({ ...(await claims()), proxy_restriction }),
  ],
)

const badTimes: readonly Row[] = [
  ['that has expired this second', 'credential.expired', async () => world.sign(await claims({ exp: world.now() }))],
  ['that has no end', 'credential.claim_invalid', ours({ exp: undefined })],
  [
    'that ends never',
    'credential.lifetime_excessive',
    async () => world.sign(await claims({ exp: world.now() + 1e9 })),
  ],
  ['of the future', 'credential.not_yet_valid', async () => world.sign(await claims({ iat: world.now() + 31 }))],
  ['that begins later', 'credential.not_yet_valid', async () => world.sign(await claims({ nbf: world.now() + 31 }))],
]

const badClaims: readonly Row[] = [
  ['for another service', 'credential.audience_mismatch', ours({ aud: ledger })],
  ['for nobody', 'credential.audience_mismatch', ours({ aud: [] })],
  ['for no audience', 'credential.audience_mismatch', ours({ aud: undefined })],
  ['for the beginning of a name', 'credential.audience_mismatch', ours({ aud: `${orders}/v1` })],
  ['without a subject', 'credential.claim_invalid', ours({ sub: undefined })],
  ['with an empty subject', 'credential.claim_invalid', ours({ sub: '' })],
  ['with an unseen subject', 'identity.invalid', ours({ sub: 'user:ada\u200b' })],
  ['without a transaction', 'credential.claim_invalid', ours({ txn: undefined })],
  ['with a transaction that is a number', 'credential.claim_invalid', ours({ txn: 1 })],
  ['without a client', 'credential.claim_invalid', ours({ client_id: undefined })],
  ['of no type', 'credential.claim_invalid', ours({ identity_type: undefined })],
  ['of a type that is not ours', 'credential.claim_invalid', ours({ identity_type: 'admin' })],
  ['with groups in one text', 'credential.claim_invalid', ours({ groups: 'staff' })],
  ['with a scope list', 'credential.claim_invalid', ours({ scope: ['billing:read'] })],
  ['with a label that is none', 'credential.claim_invalid', ours({ sensitivity: { email: 'free' } })],
  ['with labels in a list', 'credential.claim_invalid', ours({ sensitivity: ['pii'] })],
  ['with an actor that is a text', 'credential.claim_invalid', ours({ act: 'orders' })],
  ['with an actor that is nobody', 'credential.claim_invalid', ours({ act: {} })],
  ['with a nested actor that is nobody', 'credential.claim_invalid', ours({ act: { client_id: 'a', act: {} } })],
  ['with an actor of no type', 'credential.claim_invalid', ours({ act: { sub: 'workload:a' } })],
  ['with four actors', 'delegation.too_deep', ours({ act: chain(4) })],
  ['with twelve actors', 'delegation.too_deep', ours({ act: chain(12) })],
  ['with more actors than JSON may nest', 'credential.malformed', ours({ act: chain(40) })],
  ['with a status list', 'credential.status_unverifiable', ours({ status: { status_list: { idx: 0, uri: 'x' } } })],
  ['bound to a key of another kind', 'credential.confirmation_required', ours({ cnf: { jkt: 'A'.repeat(43) } })],
  ['bound to a certificate', 'credential.confirmation_required', ours({ cnf: { 'x5t#S256': 'A'.repeat(43) } })],
  ['with may_act for somebody else', 'credential.actor_not_permitted', ours({ may_act: { client_id: 'billing' } })],
]

function chain(length: number): Claims {
  const inner = length > 1 ? { act: chain(length - 1) } : {}
  return { client_id: 'a', ...inner }
}

describe.each<readonly [string, readonly Row[]]>([
  ['tokens of others', ofOthers],
  ['tokens of other kinds', otherKinds],
  ['tokens out of their time', badTimes],
  ['tokens whose restriction nobody understands', badRestrictions],
  ['tokens with claims that are not ours', badClaims],
])('%s', (_, rows) => {
  it.each(rows.map(([what, reason, make, type]) => ({ what, reason, make, type })))('$what: $reason', async (row) => {
    const { reason, make, type = tokenTypes.accessToken } = row
    const answer = await world.pass(await make(), 'orders', { subject_token_type: type })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' }, reason })
    expect(world.outboundAttempts()).toBe(0)
  })
})

describe('a good token', () => {
  it.each([
    ['a second before its end', { exp: 1 }],
    ['by a clock that is ahead by as much as ours may be', { iat: 30, nbf: 30, exp: 100 }],
  ])('is taken %s', async (_, offsets) => {
    const times = Object.entries(offsets).map(([name, offset]) => [name, world.now() + offset])
    const answer = await world.pass(await world.sign(await claims(Object.fromEntries(times))), 'orders')
    expect(answer.status).toBe(200)
  })

  it('ends when it says, and so does what was issued for it', async () => {
    const entered = await world.enter()
    const passed = await world.pass(entered.token, 'orders')
    const end = Number(entered.claims['exp'])
    world.setTime(end)
    for (const [token, as] of [
      [entered.token, 'orders'],
      [passed.token, 'billing'],
    ] as const)
      expect(await world.pass(token, as)).toMatchObject({ reason: 'credential.expired' })
  })

  it('is not taken from whoever came by it', async () => {
    const { token } = await world.enter()
    for (const as of ['edge', 'anybody'])
      expect(await world.pass(token, as)).toMatchObject({ status: 400, reason: 'source.not_allowed' })
    expect(await world.pass(token, 'billing')).toMatchObject({ status: 400, reason: 'source.not_allowed' })
  })

  it('is not taken by a right that names no map, where the map names no client', async () => {
    const open = await openCanonicalWorld({
      documents: (all) => all.map((one) => JSON.parse(JSON.stringify(one).replaceAll(/,"clients":\[[^\]]*\]/g, ''))),
    })
    try {
      const { token } = await open.enter()
      expect(await open.pass(token, 'anybody')).toMatchObject({ status: 400, reason: 'source.not_allowed' })
      expect(await open.pass(token, 'orders')).toMatchObject({ status: 200 })
    } finally {
      await open.stop()
    }
  })

  it('once narrowed is worth nothing where it came from', async () => {
    const entered = await world.enter()
    const passed = await world.pass(entered.token, 'orders')
    const further = await world.pass(passed.token, 'billing', { audience: ledger })
    expect(further.status).toBe(200)
    for (const as of ['orders', 'billing'])
      expect(await world.pass(further.token, as, { audience: billing })).toMatchObject({
        status: 400,
        reason: 'credential.audience_mismatch',
      })
    expect(await world.pass(passed.token, 'edge', { audience: orders })).toMatchObject({ reason: 'source.not_allowed' })
  })

  it('is refused once it is older than a map allows', async () => {
    const entered = await world.enter({}, { audience: billing })
    const old = await world.sign({ ...entered.claims, iat: world.now() - 631, exp: world.now() + 60 })
    expect(await world.pass(old, 'billing')).toMatchObject({ reason: 'credential.too_old' })
  })
})

describe('a JWT-SVID of ours', () => {
  it('is nothing that can be narrowed, however it is declared', async () => {
    const now = world.now()
    const svid = { iss: 'https://dragoman.example.com', sub: 'spiffe://inside.example/user/ada', aud: [orders] }
    const token = await world.sign({ ...svid, iat: now, exp: now + 60, jti: 'svid' }, { ...at, typ: 'JWT' })
    const reasonAs = async (type: TokenType) => (await world.pass(token, 'orders', { subject_token_type: type })).reason
    expect(await reasonAs(tokenTypes.accessToken)).toBe('credential.type_mismatch')
    expect(await reasonAs(tokenTypes.idToken)).toBe('credential.type_mismatch')
    expect(await reasonAs(tokenTypes.jwt)).toBe('issuer.unknown')
  })
})

describe('without a canonical map', () => {
  it('a token of ours is refused, and no map for others can say anything else', async () => {
    const bare = await openCanonicalWorld({
      documents: (all) =>
        all.filter((document) => !JSON.stringify(document).includes('"canonical"')).map(withoutRights),
    })
    try {
      const { token, status } = await bare.enter({}, { audience: billing })
      expect(status).toBe(200)
      for (const type of [tokenTypes.accessToken, tokenTypes.jwt, tokenTypes.idToken])
        expect(await bare.pass(token, 'billing', { subject_token_type: type })).toMatchObject({
          status: 400,
          reason: 'issuer.unknown',
        })
    } finally {
      await bare.stop()
    }
  })
})

/** Names of maps that are not there would be faults. */
const withoutRights = (document: object): object =>
  JSON.parse(JSON.stringify(document).replaceAll('"from-orders"', '"people"').replaceAll('"from-billing"', '"people"'))
