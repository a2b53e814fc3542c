import * as fc from 'fast-check'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Sensitivity, sensitivities } from '../domain/claims.ts'
import { type Grant, grantedAs } from '../domain/grant.ts'
import { type CanonicalIdentity, type Labelled, mappedTo } from '../domain/identity.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { newTrace } from '../domain/trace.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { createNodeIds } from '../runtimes/node/platform.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'
import { importKeyring, jwksOf, type Keyring } from './keyring.ts'
import { mint } from './mint.ts'
import { mintAlgorithms, newStoredKey } from './stored-key.ts'

const signatures = createNodeSignatures()
const digest = createNodeDigest()
const issuer = 'https://dragoman.example'
const now = 1_800_000_000.75

type Identity = Parameters<typeof mappedTo>[0]
type GrantFields = Omit<Parameters<typeof grantedAs>[0], 'identity'>

const identityOf = (fields: Partial<Identity> = {}): CanonicalIdentity =>
  mappedTo({
    type: 'user',
    subject: { value: 'user:ada', sensitivity: 'internal' },
    attributes: new Map(),
    origin: { issuer: 'https://idp.example', subject: '42', map: 'staff', rule: 'employees', version: 'v-1' },
    ...fields,
  })

const grantOf = (identity: Partial<Identity> = {}, fields: Partial<GrantFields> = {}): Grant =>
  grantedAs({
    identity: identityOf(identity),
    client: 'svc-a',
    audience: ['https://orders.example'],
    scope: ['orders:read', 'orders:write'],
    issuedAt: now,
    expiresAt: now + 300.5,
    transaction: 'txn-1',
    release: ['public', 'internal'],
    tokenType: tokenTypes.accessToken,
    profile: 'access-token',
    ...fields,
  })

const keyringFor = async (algorithm: (typeof mintAlgorithms)[number]) => {
  const key = await newStoredKey(algorithm, 0, { signatures, digest })
  return importKeyring([{ ...key, activeFrom: 1 }], signatures)
}

let keyring: Keyring
beforeAll(async () => {
  keyring = await keyringFor('ES256')
})

const referenced = new Set<string>(['admins'])
const context = {
  issuer,
  trustDomain: 'inside.example',
  now,
  ports: { signatures, ids: createNodeIds() },
  trust: { referencedStrings: referenced },
}

const minted = async (grant: Grant, ring = keyring, detailed = false) => {
  const trace = newTrace('request-1', now, detailed)
  const issued = await mint(grant, ring, context, trace)
  return { issued, trace, text: issued.value.reveal() }
}

/** What a resource server reads, after it has verified everything. */
const read = async (text: string, ring = keyring) => {
  const published: JSONWebKeySet = JSON.parse(JSON.stringify(jwksOf(ring, now)))
  const keys = createLocalJWKSet(published)
  const options = { issuer, audience: 'https://orders.example', typ: 'at+jwt', currentDate: new Date(now * 1_000) }
  return (await jwtVerify(text, keys, options)).payload
}

const released = <T>(value: T): Labelled<T> => ({ value, sensitivity: 'public' })

describe('an access token', () => {
  it.each(mintAlgorithms.filter((algorithm) => signatures.supported.has(algorithm)))(
    'under %s is verified by another implementation',
    async (algorithm) => {
      const ring = await keyringFor(algorithm)
      const { text } = await minted(grantOf(), ring)
      const [jwk] = jwksOf(ring, now).keys
      expect(decodeProtectedHeader(text)).toEqual({ alg: algorithm, typ: 'at+jwt', kid: jwk?.['kid'] })
      if (algorithm !== 'ML-DSA-65') expect(text.length).toBeLessThanOrEqual(2_048)
      expect(await read(text, ring)).toMatchObject({ sub: 'user:ada' })
    },
  )

  it('says who, for whom, by which rule, and nothing else', async () => {
    const { issued, text, trace } = await minted(grantOf())
    expect(await read(text)).toEqual({
      iss: issuer,
      sub: 'user:ada',
      aud: 'https://orders.example',
      client_id: 'svc-a',
      iat: 1_800_000_000,
      nbf: 1_799_999_970,
      exp: 1_800_000_301,
      jti: issued.id,
      scope: 'orders:read orders:write',
      txn: 'txn-1',
      identity_type: 'user',
      map: 'staff',
      rule: 'employees',
      map_version: 'v-1',
    })
    expect(issued).toMatchObject({
      type: tokenTypes.accessToken,
      scheme: 'Bearer',
      scope: ['orders:read', 'orders:write'],
      expiresAt: 1_800_000_301,
      expiresIn: 301,
    })
    expect(trace).toMatchObject({ tokenId: issued.id, expiresAt: 1_800_000_301 })
    expect(trace.withheld).toBeUndefined()
    expect(JSON.stringify(issued)).not.toContain(text.slice(-20))
  })

  it('says how and when the subject proved itself, where that is known', async () => {
    const authentication = { time: 1_799_999_000.9, acr: 'phr', amr: ['pwd', 'otp'] }
    const { text } = await minted(grantOf({ authentication }))
    expect(await read(text)).toMatchObject({ auth_time: 1_799_999_000, acr: 'phr', amr: ['pwd', 'otp'] })
  })

  it('lists several audiences, and leaves out an empty scope', async () => {
    const audience = ['https://orders.example', 'https://stock.example']
    const payload = await read((await minted(grantOf({}, { audience, scope: [] }))).text)
    expect(payload.aud).toEqual(audience)
    expect(payload).not.toHaveProperty('scope')
  })

  it('carries what is released and names what is not', async () => {
    const identity = {
      tenant: released('acme'),
      groups: released(['admins']),
      roles: { value: ['auditor'], sensitivity: 'pii' as const },
      entitlements: released([]),
      attributes: new Map<string, Labelled<string>>([
        ['department', released('physics')],
        ['email', { value: 'ada@example.com', sensitivity: 'pii' as const }],
        ['pin', { value: '1234', sensitivity: 'secret' as const }],
      ]),
    }
    const { text, trace } = await minted(grantOf(identity, { release: ['public', 'internal', 'secret'] }))
    const payload = await read(text)
    expect(payload).toMatchObject({ tenant: 'acme', groups: ['admins'], department: 'physics' })
    for (const name of ['roles', 'email', 'pin', 'entitlements']) expect(payload).not.toHaveProperty(name)
    expect(trace.withheld).toEqual(['roles', 'email', 'pin'].map((name) => ({ name, because: 'sensitivity' })))
  })

  it('never outlives its grant nor begins before it, and carries nothing that is not released', async () => {
    const label = fc.constantFrom<Sensitivity>(...sensitivities)
    const fields = fc.record({
      label,
      release: fc.uniqueArray(label),
      issuedAt: fc.double({ min: 0, max: 0.999, noNaN: true }).map((part) => Math.floor(now) + part),
      life: fc.double({ min: 2, max: 1_000, noNaN: true }),
    })
    await fc.assert(
      fc.asyncProperty(fields, async ({ label: sensitivity, release, issuedAt, life }) => {
        const times = { issuedAt, expiresAt: issuedAt + life }
        const attributes = new Map([['colour', { value: 'green', sensitivity }]])
        const grant = grantOf({ attributes }, { ...times, release: [...new Set([...release, 'internal' as const])] })
        const payload = await read((await minted(grant)).text)
        expect(payload.exp).toBeLessThanOrEqual(times.expiresAt)
        expect(payload.iat).toBeLessThanOrEqual(issuedAt)
        const allowed = sensitivity !== 'secret' && grant.release.includes(sensitivity)
        expect('colour' in payload).toBe(allowed)
      }),
      { numRuns: 60 },
    )
  })
})

describe('a token that would be too large', () => {
  const many = Array.from({ length: 200 }, (_, index) => `group-${index}`)

  it('keeps the groups that policy refers to', async () => {
    const { text, trace } = await minted(grantOf({ groups: released([...many, 'admins']) }))
    expect(await read(text)).toMatchObject({ groups: ['admins'] })
    expect(text.length).toBeLessThanOrEqual(2_048)
    expect(trace.withheld).toEqual([{ name: 'groups', because: 'budget' }])
    expect(trace.checks).toEqual([])
  })

  it('tells the dropped groups to a detailed trace only, under their label', async () => {
    const groups = { value: [...many, 'admins'], sensitivity: 'internal' as const }
    const { trace } = await minted(grantOf({ groups }), keyring, true)
    expect(trace.checks).toMatchObject([{ stage: 'mint', ok: true, seen: { value: many, sensitivity: 'internal' } }])
  })

  it('has no groups at all when policy refers to none of them', async () => {
    expect(await read((await minted(grantOf({ groups: released(many) }))).text)).not.toHaveProperty('groups')
  })

  it('keeps all groups as long as they fit', async () => {
    const groups = released(many.slice(0, 40))
    expect(await read((await minted(grantOf({ groups }))).text)).toMatchObject({ groups: groups.value })
  })

  it('is refused when something else is to blame, by name and without its value', async () => {
    const attributes = new Map([['biography', released('lorem '.repeat(300))]])
    const refusal = minted(grantOf({ attributes, groups: released(many) }))
    await expect(refusal).rejects.toMatchObject({ reason: 'identity.too_large' })
    await expect(refusal).rejects.toThrow(/the largest claims are biography \(\d+\)/)
    await expect(refusal).rejects.not.toThrow('lorem')
  })

  it('is measured in octets, not in characters', async () => {
    const attributes = new Map([['note', released('é'.repeat(600))]])
    await expect(minted(grantOf({ attributes }))).rejects.toMatchObject({ reason: 'identity.too_large' })
  })
})

describe('nothing is minted', () => {
  it('without an active key', async () => {
    const future = { ...(await newStoredKey('ES256', 0, { signatures, digest })), activeFrom: now + 1 }
    for (const ring of [await importKeyring([], signatures), await importKeyring([future], signatures)])
      await expect(minted(grantOf(), ring)).rejects.toMatchObject({ reason: 'signer.unavailable' })
  })

  it('when the key cannot sign', async () => {
    const ports = { ...context.ports, signatures: { ...signatures, sign: () => Promise.reject(new Error('gone')) } }
    const attempt = mint(grantOf(), keyring, { ...context, ports }, newTrace('request-1', now))
    await expect(attempt).rejects.toMatchObject({ reason: 'signer.unavailable' })
  })

  it.each(['sub', 'iss', 'scope', 'cnf', 'act', 'map', 'groups', '__proto__'])(
    'when an attribute is named %s',
    async (name) => {
      const attributes = new Map([[name, released('x')]])
      await expect(minted(grantOf({ attributes }))).rejects.toMatchObject({ reason: 'identity.invalid' })
    },
  )

  it.each(['pii', 'secret'] as const)('when the subject is labelled %s and may not leave', async (sensitivity) => {
    const release = sensitivity === 'secret' ? [...sensitivities] : (['public', 'internal'] as const)
    const attempt = minted(grantOf({ subject: { value: 'ada@example.com', sensitivity } }, { release }))
    await expect(attempt).rejects.toMatchObject({ reason: 'identity.invalid' })
    await expect(attempt).rejects.not.toThrow('ada')
  })

  it('when less than a second of the grant is left', async () => {
    const attempt = minted(grantOf({}, { issuedAt: now, expiresAt: now + 0.2 }))
    await expect(attempt).rejects.toMatchObject({ reason: 'credential.expired' })
  })
})
