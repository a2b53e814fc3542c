import { createHash } from 'node:crypto'
import type { Claims } from '../../src/domain/claims.ts'
import { openPlace, type Place } from '../world/place.ts'
import { type TestKey, testKey, testKeyring } from '../world/signing.ts'

/** The world of the exchange behaviours: one issuer, service svc-a that exchanges, services svc-b and svc-c behind it. */

const us = 'https://dragoman.example.com'
const issuer = 'https://issuer-a.example'
const secretOfSvcA = 'svc-a-secret-of-at-least-32-characters'

interface Authentication {
  readonly params: readonly (readonly [string, string])[]
  readonly headers: Readonly<Record<string, string>>
}

export interface BehaviourWorld {
  readonly place: Place
  /** `template` with its placeholders filled; undefined when one is not understood. */
  fill(template: string): Promise<string | undefined>
  /** How a case's `auth` is sent; undefined when it is not understood. */
  authenticate(auth: unknown): Promise<Authentication | undefined>
}

/** Opens a new world with new keys. */
export const openBehaviourWorld = async (): Promise<BehaviourWorld> => {
  const [issuerKey, clientKey, strangerKey] = await Promise.all(['issuer', 'svc-a', 'stranger'].map(testKey))
  if (issuerKey === undefined || clientKey === undefined || strangerKey === undefined) throw new Error('no keys')
  const now = Math.floor(Date.now() / 1000)
  const place = await openPlace({
    issuer: us,
    now: () => now,
    documents: [trustMap, ...clients(clientKey)],
    files: { 'issuer.jwks.json': { keys: [issuerKey.publicJwk] } },
    keyring: await testKeyring(),
  })
  return {
    place,
    fill: (template) => fill(template, { issuerKey, strangerKey, now }),
    authenticate: (auth) => authenticate(auth, clientKey, strangerKey, now),
  }
}

const trustMap = {
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name: 'issuer-a' },
  spec: {
    source: { oidc: { issuer, jwksFile: 'issuer.jwks.json', audiences: [us] } },
    rules: [
      {
        name: 'people',
        when: { claims: { email_verified: true } },
        identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
        grant: {
          audiences: ['https://svc-b.internal', 'https://svc-c.internal'],
          scopes: ['read', 'write', 'orders:read', 'orders:write'],
          ttl: '5m',
        },
      },
    ],
  },
}

const clients = (key: TestKey) => [
  client('svc-a', [
    { method: 'private_key_jwt', jwks: { keys: [key.publicJwk] } },
    { method: 'client_secret_basic', secrets: [{ sha256: digestOf(secretOfSvcA) }] },
    { method: 'client_secret_post', secrets: [{ sha256: digestOf(secretOfSvcA) }] },
  ]),
]

const client = (name: string, authentication: readonly object[]) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind: 'Client',
  metadata: { name },
  spec: {
    authentication,
    may: {
      sources: ['issuer-a'],
      audiences: ['https://svc-b.internal', 'https://svc-c.internal'],
      scopes: ['read', 'write', 'orders:read', 'orders:write'],
    },
  },
})

const digestOf = (text: string) => createHash('sha256').update(text).digest('base64url')

interface Mint {
  readonly issuerKey: TestKey
  readonly strangerKey: TestKey
  readonly now: number
}

const fill = async (template: string, mint: Mint): Promise<string | undefined> => {
  const names = [...template.matchAll(/\{\{\s*(\w+)\s*\}\}/g)]
  let filled = template
  for (const [placeholder, name = ''] of names) {
    const token = await tokenNamed(name, mint)
    if (token === undefined) return undefined
    filled = filled.replace(placeholder, token)
  }
  return filled
}

/** `subject_jwt_alice`, `subject_id_token_bob`, `subject_access_token_alice_expired`: a form, a person, what is wrong. */
const placeholder = /^(?:subject|actor)_(jwt|id_token|access_token|at_jwt)_([a-z]+)((?:_[a-z]+)*)$/

const tokenNamed = async (name: string, { issuerKey, strangerKey, now }: Mint): Promise<string | undefined> => {
  const [, form, first = '', rest = ''] = placeholder.exec(name) ?? []
  if (form === undefined) return undefined
  const flaws = isFlaw(first) ? `_${first}${rest}` : rest
  const wrong = flawOf(flaws)
  if (wrong === undefined) return undefined
  const person = isFlaw(first) ? 'alice' : first
  const sound = { ...baseClaims(person, now), ...(form.startsWith('a') ? { scope: 'openid', client_id: 'web' } : {}) }
  const header = form.startsWith('a') ? { typ: 'at+jwt' } : { typ: 'JWT' }
  const key = wrong.stranger ? strangerKey : issuerKey
  const token = await key.sign({ ...sound, ...wrong.claims(now) }, { ...header, kid: 'issuer' })
  return wrong.tamper ? `${token.slice(0, -6)}AAAAAA` : token
}

const baseClaims = (person: string, now: number): Claims => ({
  iss: issuer,
  sub: person,
  aud: us,
  iat: now - 30,
  nbf: now - 30,
  exp: now + 300,
  jti: crypto.randomUUID(),
  email: `${person}@example.com`,
  email_verified: true,
})

interface Flaw {
  readonly claims: (now: number) => Claims
  readonly stranger?: boolean
  readonly tamper?: boolean
}

const flaws: Readonly<Record<string, Flaw>> = {
  '': { claims: () => ({}) },
  _expired: { claims: (now) => ({ iat: now - 900, nbf: now - 900, exp: now - 600 }) },
  _future: { claims: (now) => ({ nbf: now + 600 }) },
  _wrong_aud: { claims: () => ({ aud: 'https://other.example' }) },
  _other_aud: { claims: () => ({ aud: 'https://other.example' }) },
  _wrong_audience: { claims: () => ({ aud: 'https://other.example' }) },
  _unknown_issuer: { claims: () => ({ iss: 'https://unknown.example' }) },
  _wrong_issuer: { claims: () => ({ iss: 'https://unknown.example' }) },
  _bad_sig: { claims: () => ({}), tamper: true },
  _bad_signature: { claims: () => ({}), tamper: true },
  _tampered: { claims: () => ({}), tamper: true },
  _forged: { claims: () => ({}), stranger: true },
  _short: { claims: (now) => ({ exp: now + 60 }) },
}

const flawOf = (name: string): Flaw | undefined => flaws[name]
const isFlaw = (word: string) => Object.keys(flaws).some((flaw) => flaw.startsWith(`_${word}`))

const authenticate = async (
  auth: unknown,
  key: TestKey,
  stranger: TestKey,
  now: number,
): Promise<Authentication | undefined> => {
  const assertion = async (by: TestKey): Promise<Authentication> => ({
    headers: {},
    params: [
      ['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
      ['client_assertion', await by.sign({ ...assertionClaims(now) }, { kid: 'svc-a' })],
    ],
  })
  const basic = (password: string): Authentication => ({
    params: [],
    headers: { authorization: `Basic ${Buffer.from(`svc-a:${password}`).toString('base64')}` },
  })
  const post = (password: string): Authentication => ({
    headers: {},
    params: [
      ['client_id', 'svc-a'],
      ['client_secret', password],
    ],
  })
  switch (auth) {
    case undefined:
    case 'default':
    case 'private_key_jwt':
      return assertion(key)
    case 'none':
    case null:
      return { params: [], headers: {} }
    case 'basic':
    case 'client_secret_basic':
      return basic(secretOfSvcA)
    case 'basic_wrong':
    case 'wrong_basic':
    case 'client_secret_basic_wrong':
      return basic('wrong')
    case 'post':
    case 'client_secret_post':
      return post(secretOfSvcA)
    case 'wrong_key':
    case 'private_key_jwt_wrong_key':
      return assertion(stranger)
    default:
      return undefined
  }
}

const assertionClaims = (now: number): Claims => ({
  iss: 'svc-a',
  sub: 'svc-a',
  aud: us,
  iat: now,
  exp: now + 60,
  jti: crypto.randomUUID(),
})
