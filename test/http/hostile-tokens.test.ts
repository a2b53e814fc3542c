import * as jose from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Claims, Json } from '../../src/domain/claims.ts'
import type { Reason } from '../../src/domain/refusal.ts'
import { testKey } from '../world/signing.ts'
import { issuer, openTokenWorld, type TokenWorld, tokenType, us } from './token-world.ts'

/** Hostile subject tokens (RFC 8725, OpenID Connect Core 3.1.3.7), each with its exact answer. */

let world: TokenWorld
beforeAll(async () => {
  world = await openTokenWorld()
})
afterAll(() => world.stop())

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token whose header and payload are exactly these texts, signed by the issuer's real key. */
const signedRaw = async (header: string, payload: string): Promise<string> => {
  const good = await world.idToken()
  const [, , signature] = good.split('.')
  return `${encode(header)}.${encode(payload)}.${signature}`
}

const withClaims = (changes: Claims) => () => world.idToken(changes)
const without = (name: string) => () => {
  const { [name]: _, ...claims } = world.claims()
  return world.issuerKey.sign(claims, { typ: 'JWT' })
}
const withHeader = (header: Claims) => () => world.idToken({}, header)
const withPayloadText = (edit: (text: string) => string) => async () =>
  signedRaw(JSON.stringify({ alg: 'ES256', kid: 'idp-1' }), edit(JSON.stringify(world.claims())))
const withHeaderText = (text: string) => async () => signedRaw(text, JSON.stringify(world.claims()))
const hmac = (key: Uint8Array) => () =>
  new jose.SignJWT(world.claims()).setProtectedHeader({ alg: 'HS256', kid: 'idp-1' }).sign(key)

type Row = readonly [what: string, reason: Reason, token: () => Promise<string> | string, type?: string]

const algorithms: readonly Row[] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].map(
    (alg): Row => [
      `alg ${JSON.stringify(alg)} without a signature`,
      'credential.algorithm_not_allowed',
      () => `${encode({ alg, kid: 'idp-1' })}.${encode(world.claims())}.`,
    ],
  ),
  ['alg none with a genuine signature', 'credential.algorithm_not_allowed', withHeaderText('{"alg":"none"}')],
  ['no alg', 'credential.algorithm_not_allowed', withHeaderText('{"kid":"idp-1"}')],
  ['alg null', 'credential.algorithm_not_allowed', withHeaderText('{"alg":null}')],
  ['alg as a list', 'credential.algorithm_not_allowed', withHeaderText('{"alg":["ES256"]}')],
  [
    'HS256 with the public key as secret',
    'credential.algorithm_not_allowed',
    async () => hmac(new TextEncoder().encode(JSON.stringify(world.issuerKey.publicJwk)))(),
  ],
  ['HS256 with an empty secret', 'credential.algorithm_not_allowed', hmac(new Uint8Array(1))],
  ['an algorithm off the map', 'credential.algorithm_not_allowed', withHeaderText('{"alg":"RS256","kid":"idp-1"}')],
]

const signatures: readonly Row[] = [
  ['a flipped bit', 'credential.signature_invalid', async () => flip(await world.idToken())],
  ['no signature', 'credential.signature_invalid', async () => `${cut(await world.idToken())}.`],
  [
    'r = s = 0 (CVE-2022-21449)',
    'credential.signature_invalid',
    async () => `${cut(await world.idToken())}.${'A'.repeat(86)}`,
  ],
  ['half a signature', 'credential.signature_invalid', async () => (await world.idToken()).slice(0, -42)],
  ['bytes after the signature', 'credential.signature_invalid', async () => `${await world.idToken()}AAAA`],
  ['a DER signature', 'credential.signature_invalid', async () => `${cut(await world.idToken())}.${'MEUC'.repeat(24)}`],
  ['another payload under a genuine signature', 'credential.signature_invalid', withPayloadText((text) => text)],
  [
    "an attacker's key under the genuine kid",
    'credential.signature_invalid',
    async () => (await testKey('idp-1')).sign(world.claims()),
  ],
  ['a kid that is not published', 'credential.key_unknown', withHeader({ kid: 'idp-2' })],
  ['a kid that is a path', 'credential.key_unknown', withHeader({ kid: '../../dev/null' })],
  ['a kid that is a query', 'credential.key_unknown', withHeader({ kid: "' OR 1=1 --" })],
  ['a kid of __proto__', 'credential.key_unknown', withHeader({ kid: '__proto__' })],
]

const shapes: readonly Row[] = [
  ['two parts', 'credential.malformed', async () => cut(await world.idToken())],
  ['four parts', 'credential.malformed', async () => `${await world.idToken()}.AAAA`],
  ['base64 padding', 'credential.malformed', async () => `${await world.idToken()}==`],
  ['the other base64 alphabet', 'credential.malformed', async () => `${cut(await world.idToken())}.++//`],
  ['a trailing newline', 'credential.malformed', async () => `${await world.idToken()}\n`],
  ['a leading space', 'credential.malformed', async () => ` ${await world.idToken()}`],
  ['unused bits set', 'credential.malformed', async () => respell(await world.idToken())],
  ['the JSON serialization', 'credential.malformed', () => '{"payload":"e30","signatures":[]}'],
  ['a bearer prefix', 'credential.malformed', async () => `Bearer ${await world.idToken()}`],
  ['an encrypted token', 'credential.malformed', () => 'e30.AAAA.AAAA.AAAA.AAAA'],
  ['a payload that is a list', 'credential.malformed', withPayloadText(() => '[]')],
  [
    'a payload that is not UTF-8',
    'credential.malformed',
    () => `${encode({ alg: 'ES256' })}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.AAAA`,
  ],
  ['a payload with a byte order mark', 'credential.malformed', withPayloadText((text) => `\uFEFF${text}`)],
  ['sub twice', 'credential.malformed', withPayloadText((text) => `${text.slice(0, -1)},"sub":"root"}`)],
  [
    'sub twice, once escaped',
    'credential.malformed',
    withPayloadText((text) => `{"\\u0073ub":"root",${text.slice(1)}`),
  ],
  [
    'a member twice inside a claim',
    'credential.malformed',
    withPayloadText((text) => `{"x":{"a":1,"a":2},${text.slice(1)}`),
  ],
  ['alg twice', 'credential.malformed', withHeaderText('{"alg":"none","alg":"ES256"}')],
  ['depth 30,000', 'credential.too_large', withPayloadText(() => '['.repeat(30_000) + ']'.repeat(30_000))],
  [
    'depth 500',
    'credential.malformed',
    withPayloadText((text) => `{"x":${'['.repeat(500)}${']'.repeat(500)},${text.slice(1)}`),
  ],
  ['5,000 groups', 'credential.too_large', withClaims({ groups: Array.from({ length: 5_000 }, (_, n) => `g${n}`) })],
  ['a header of 5 kB', 'credential.malformed', withHeader({ pad: 'x'.repeat(5_000) })],
  ['typ as a number', 'credential.malformed', withHeader({ typ: 7 })],
  ['a kid of 10 kB', 'credential.malformed', withHeaderText(JSON.stringify({ alg: 'ES256', kid: 'k'.repeat(1_000) }))],
  ['kid as an object', 'credential.malformed', withHeader({ kid: {} })],
]

const headers: readonly Row[] = (
  [
    ['jwk', { kty: 'EC' }],
    ['jku', 'https://attacker.example/jwks'],
    ['jku', 'http://169.254.169.254/latest/meta-data'],
    ['x5u', 'https://attacker.example/cert'],
    ['x5c', ['MIIB']],
    ['crit', ['exp']],
    ['crit', []],
    ['b64', false],
    ['zip', 'DEF'],
    ['cty', 'JWT'],
  ] as const
).map(
  ([name, value]): Row => [
    `the header ${name} ${JSON.stringify(value)}`,
    'credential.header_not_allowed',
    async () =>
      signedRaw(JSON.stringify({ alg: 'ES256', kid: 'idp-1', [name]: value }), JSON.stringify(world.claims())),
  ],
)

const kinds: readonly Row[] = [
  ['an access token as an ID token', 'credential.type_mismatch', withHeader({ typ: 'at+jwt' })],
  ['an ID token as an access token', 'credential.type_mismatch', () => world.idToken(), 'access_token'],
  ...[
    'logout+jwt',
    'secevent+jwt',
    'dpop+jwt',
    'client-authentication+jwt',
    'token-introspection+jwt',
    'txntoken+jwt',
    'oauth-id-jag+jwt',
    'wit+jwt',
    'statuslist+jwt',
    'made-up',
  ].flatMap((typ): Row[] => [
    [`typ ${typ}`, 'credential.type_mismatch', withHeader({ typ })],
    [`typ application/${typ} as a jwt`, 'credential.type_mismatch', withHeader({ typ: `application/${typ}` }), 'jwt'],
  ]),
  [
    'a logout token without typ',
    'credential.type_mismatch',
    withClaims({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
  ],
  ['a refresh token of Keycloak', 'credential.type_mismatch', withClaims({ typ: 'Refresh' }), 'jwt'],
  ['a client assertion', 'credential.type_mismatch', withClaims({ sub: issuer }), 'jwt'],
  ['a JWT-SVID', 'credential.type_mismatch', withClaims({ sub: 'spiffe://prod.example/ns/a' })],
  ['an ID token of another party', 'credential.audience_mismatch', withClaims({ azp: 'another-client' })],
  ['a type that nobody reads', 'credential.type_unsupported', () => world.idToken(), 'saml1'],
]

const times: readonly Row[] = [
  ['no exp', 'credential.claim_invalid', without('exp')],
  ...(['1780273000', null, {}, true, -1] as const).map(
    (exp): Row => [`exp ${JSON.stringify(exp)}`, 'credential.claim_invalid', withClaims({ exp })],
  ),
  ['exp 0', 'credential.expired', withClaims({ exp: 0, nbf: 0 })],
  ['exp 1e999', 'credential.signature_invalid', withPayloadText((text) => text.replace(/"exp":\d+/, '"exp":1e999'))],
  ['exp 1e20', 'credential.lifetime_excessive', withClaims({ exp: 1e20 })],
  ['exp in milliseconds', 'credential.lifetime_excessive', () => world.idToken({ exp: (world.now() + 600) * 1_000 })],
  ['exp in ten years', 'credential.lifetime_excessive', () => world.idToken({ exp: world.now() + 315_360_000 })],
  ['expired 61 s ago with a skew of 60 s', 'credential.expired', () => world.idToken({ exp: world.now() - 61 })],
  ['nbf in 61 s', 'credential.not_yet_valid', () => world.idToken({ nbf: world.now() + 61 })],
  ['nbf as a text', 'credential.claim_invalid', withClaims({ nbf: 'now' })],
  ['nbf after exp', 'credential.claim_invalid', () => world.idToken({ nbf: world.now() + 50, exp: world.now() + 40 })],
  ['iat in 61 s', 'credential.not_yet_valid', () => world.idToken({ iat: world.now() + 61 })],
  ['iat as a text', 'credential.claim_invalid', withClaims({ iat: '2026' })],
  ['no iat where the map has a maxAge', 'credential.claim_invalid', without('iat')],
  [
    'an hour and two minutes old, with maxAge 1h',
    'credential.too_old',
    () => world.idToken({ iat: world.now() - 3_720 }),
  ],
]

const claims: readonly Row[] = [
  ['no aud', 'credential.audience_mismatch', without('aud')],
  ...(
    [
      [],
      '',
      `${us}/`,
      us.toUpperCase(),
      'https://dragoman.example',
      `${us},https://x.example`,
      { aud: us },
      [[us]],
      `${us}/token`,
    ] as const
  ).map((aud): Row => [`aud ${JSON.stringify(aud)}`, 'credential.audience_mismatch', withClaims({ aud })]),
  ['an aud of mixed types', 'credential.claim_invalid', withClaims({ aud: [us, 7] })],
  [
    'an aud of 1,000 entries',
    'credential.claim_invalid',
    withClaims({ aud: [us, ...Array.from({ length: 999 }, (_, n) => `a${n}`)] }),
  ],
  ['no iss', 'issuer.unknown', without('iss')],
  ...(
    [
      `${issuer}/`,
      issuer.toUpperCase(),
      'http://idp.example.com',
      'https://idp.example.com:443',
      'https://user@idp.example.com',
      'https://idp.example.com/../',
      'https://idp.ex\u0430mple.com',
      `${issuer}\u0000`,
    ] as const
  ).map((iss): Row => [`iss ${JSON.stringify(iss)}`, 'issuer.unknown', withClaims({ iss })]),
  ['iss as a list', 'credential.claim_invalid', withClaims({ iss: [issuer] })],
  ['no sub', 'credential.claim_invalid', without('sub')],
  ...(['', 0, ['ada'], 'a'.repeat(4_096), 'ada\u0000', 'ada\u202Eadmin', 'ada\u200b'] as const).map(
    (sub): Row => [`sub ${JSON.stringify(sub).slice(0, 30)}`, 'credential.claim_invalid', withClaims({ sub })],
  ),
  ['a jti that is a number', 'credential.claim_invalid', withClaims({ jti: 7 })],
  ['a scope that is a list', 'credential.claim_invalid', () => accessToken('at+jwt', { scope: ['a'] }), 'jwt'],
  ['cnf.jkt without a proof', 'credential.confirmation_required', withClaims({ cnf: { jkt: 'x' } })],
  ['cnf.x5t#S256 without a certificate', 'credential.confirmation_required', withClaims({ cnf: { 'x5t#S256': 'x' } })],
  [
    'a status that nobody can look up',
    'credential.status_unverifiable',
    withClaims({ status: { status_list: { idx: 0, uri: 'https://s.example' } } }),
  ],
  ['an actor that the issuer speaks of', 'credential.actor_not_permitted', withClaims({ act: { sub: 'admin' } })],
  ['may_act for somebody else', 'credential.actor_not_permitted', withClaims({ may_act: { sub: 'narrow' } })],
  [
    'may_act with another issuer',
    'credential.actor_not_permitted',
    withClaims({ may_act: { sub: 'gateway', iss: issuer } }),
  ],
  ['an empty may_act', 'credential.actor_not_permitted', withClaims({ may_act: {} })],
]

const policy: readonly Row[] = [
  ['a claim that the map forbids', 'map.validation_failed', withClaims({ blocked: true })],
  ['no group that a rule wants', 'rule.none_matched', withClaims({ groups: ['visitors'] })],
  ['a group that only looks like the list', 'rule.none_matched', withClaims({ groups: 'employees' })],
  ['no second factor', 'rule.none_matched', withClaims({ amr: ['pwd'] })],
  ['no amr at all', 'rule.none_matched', without('amr')],
  ['a rule that has expired', 'rule.expired', withClaims({ groups: ['contractors'] })],
  ['a reserved identity', 'identity.invalid', withClaims({ sub: 'root' })],
  ['a mapped claim of another shape', 'map.value_missing', withClaims({ email: { a: 1 } })],
]

const table = { algorithms, signatures, shapes, headers, kinds, times, claims, policy }

for (const [name, rows] of Object.entries(table)) {
  describe(`subject tokens: ${name}`, () => {
    it.each(rows.map(([what, reason, make, type]) => ({ what, reason, make, type })))(
      'refuses $what: $reason',
      async ({ reason, make, type }) => {
        const answer = await world.exchangeToken(await make(), { subject_token_type: tokenType(type ?? 'id_token') })
        expect({ reason: answer.reason, status: answer.status, error: answer.body['error'] }).toEqual({
          reason,
          status: 400,
          error: 'invalid_request',
        })
        expect(answer.body['access_token']).toBeUndefined()
        expect(answer.headers.get('cache-control')).toBe('no-store')
        expect(world.outboundAttempts()).toBe(0)
      },
    )
  })
}

const sound: readonly (readonly [string, () => Promise<string>, string?])[] = [
  ['a good ID token', () => world.idToken()],
  ['one without kid', () => world.issuerKey.sign(world.claims(), { kid: undefined as unknown as Json })],
  ['one that expired 59 s ago is judged by what is left', () => world.idToken({ exp: world.now() + 1 })],
  ['several audiences, ours among them', () => world.idToken({ aud: [us, 'https://other.example'] })],
  ['may_act for the client that asks', () => world.idToken({ may_act: { sub: 'gateway' } })],
  ['an access token by its typ', () => accessToken('at+jwt'), 'access_token'],
  ['an access token by its claims', () => accessToken('JWT'), 'access_token'],
  ['a plain JWT', () => world.idToken(), 'jwt'],
]

describe('subject tokens that are sound', () => {
  it.each(sound.map(([what, make, type]) => ({ what, make, type })))('accepts $what', async ({ make, type }) => {
    const answer = await world.exchangeToken(await make(), { subject_token_type: tokenType(type ?? 'id_token') })
    expect(answer.reason).toBeUndefined()
    expect(answer.status).toBe(200)
  })
})

const accessToken = (typ: string, changes: Claims = {}) => {
  const { nonce: _, ...others } = world.claims({ scope: 'openid', client_id: 'web', ...changes })
  return world.issuerKey.sign(others, { typ })
}

const cut = (token: string) => token.slice(0, token.lastIndexOf('.'))

const flip = (token: string) => {
  const at = token.lastIndexOf('.') + 10
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

/** The same bytes in another spelling: the last character carries four bits that mean nothing. */
const respell = (token: string) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1) ?? 'A')
  return token.slice(0, -1) + alphabet[last | 1]
}
