import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Claims } from '../../src/domain/claims.ts'
import type { Reason } from '../../src/domain/refusal.ts'
import type { ReplayGuard } from '../../src/ports/replay.ts'
import { type TestCertificate, testCertificate, testKey } from '../world/certificates.ts'
import { type SamlIdentityProvider, samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { base64url } from '../world/saml-text.ts'
import { type ServedPlace, servePlace } from '../world/served-place.ts'
import { testKeyring } from '../world/signing.ts'
import { answerOf, basic, type Answer as TokenAnswer, tokenType } from './token-world.ts'

/** Two SAML identity providers, a map for each, a client, and a token endpoint that speaks real HTTP. */

export const us = 'https://dragoman.example.com'
export const entityId = 'https://idp.example.com/saml'
export const otherEntityId = 'https://idp2.example.org/saml'
export const orders = 'https://orders.internal.example'
const password = 'a-secret-of-gateway-with-enough-entropy'

export interface SamlWorld extends ServedPlace {
  /** Speaks for `entityId`, with an RSA key. */
  readonly idp: SamlIdentityProvider
  /** Speaks for `otherEntityId`, with a P-256 key; trusted as well, by a map of its own. */
  readonly otherIdp: SamlIdentityProvider
  /** Says that it is `idp` and has another key. */
  readonly attacker: SamlIdentityProvider
  /** Ours, for what is encrypted to us. */
  readonly encryption: TestCertificate
  readonly now: () => number
  setTime(now: number): void
  /** Exchanges an assertion as the client gateway, with `changes` to the form. */
  post(xml: string | Uint8Array, changes?: Readonly<Record<string, string>>): Promise<Answer>
  /** The same for a subject token as it is, not yet in base64url. */
  postToken(token: string, changes?: Readonly<Record<string, string>>): Promise<Answer>
}

/** An answer of the token endpoint, with the claims of the access token that was issued. */
export interface Answer extends TokenAnswer {
  readonly claims: Claims
}

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

/** Everybody whom the identity provider names is somebody, with all that its assertion says of them. */
const rules = (prefix: string) => [
  {
    name: 'everybody',
    identity: {
      type: 'user',
      subject: { claim: 'sub', prefix },
      groups: { claim: 'groups', required: false },
      claims: { email: { claim: 'email', required: false } },
    },
    grant: { audiences: [orders], scopes: ['orders:read'], ttl: '5m' },
  },
]

const aliases = { email: 'email', groups: { name: 'groups', list: true } }

const maps = (source: object) => [
  document('TrustMap', 'idp', {
    source: {
      saml: { entityID: entityId, certificates: ['idp.pem'], audiences: [us], attributes: aliases, ...source },
    },
    rules: rules('user:'),
  }),
  document('TrustMap', 'idp2', {
    source: {
      saml: { entityID: otherEntityId, metadataFile: 'idp2.xml', audiences: [us], attributes: aliases },
    },
    rules: rules('partner:'),
  }),
]

const gateway = document('Client', 'gateway', {
  authentication: [
    {
      method: 'client_secret_basic',
      secrets: [{ sha256: createHash('sha256').update(password).digest('base64url') }],
    },
  ],
  may: { sources: ['idp', 'idp2'], audiences: [orders], scopes: ['orders:read'] },
})

export interface SamlWorldOptions {
  /** Changes to `source.saml` of the map `idp`; what is undefined is left out. */
  readonly source?: Readonly<Record<string, unknown>>
  readonly files?: Readonly<Record<string, string>>
  readonly replay?: ReplayGuard
}

/** RSA keys take their time, so all worlds of a run have the same ones. */
const [idpKey, attackerKey] = [testKey('RSA-2048'), testKey('RSA-2048')]
const encryption = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })

/** Starts a new world, which has seen nothing yet; stop it when done. */
export const openSamlWorld = async ({ source = {}, files = {}, replay }: SamlWorldOptions = {}): Promise<SamlWorld> => {
  let time = Date.UTC(2026, 5, 1, 12) / 1_000
  const now = () => time
  const idp = samlIdentityProvider({ entityId, key: idpKey, now })
  const otherIdp = samlIdentityProvider({ entityId: otherEntityId, key: 'P-256', now })
  const place = await servePlace({
    issuer: us,
    now,
    documents: [...maps({ decryptionKey: { file: 'decryption.pem' }, ...source }), gateway],
    files: { 'idp.pem': idp.certificatePem, 'idp2.xml': otherIdp.metadata(), ...files },
    secrets: { 'decryption.pem': encryption.privateKeyPem },
    keyring: await testKeyring(),
    ...(replay === undefined ? {} : { replay }),
  })
  const postToken: SamlWorld['postToken'] = async (token, changes = {}) => {
    const response = await fetch(`${place.url}/token`, {
      method: 'POST',
      // A world that stops would wait for connections that are kept.
      headers: { authorization: basic('gateway', password), connection: 'close' },
      body: new URLSearchParams({ ...goodForm(token), ...changes }),
    })
    const answer = await answerOf(response, place)
    return { ...answer, claims: claimsIn(answer.body['access_token']) }
  }
  return {
    ...place,
    idp,
    otherIdp,
    attacker: samlIdentityProvider({ entityId, key: attackerKey, now }),
    encryption,
    now,
    setTime: (to) => {
      time = to
    },
    post: (xml, changes) => postToken(base64url(xml), changes),
    postToken,
  }
}

const goodForm = (token: string): Record<string, string> => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: token,
  subject_token_type: tokenType('saml2'),
  audience: orders,
})

const claimsIn = (token: unknown): Claims =>
  typeof token === 'string' ? JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) : {}

export type Made = string | Uint8Array | Promise<string | Uint8Array>

/** A hostile assertion: what it is, why it is refused, and how it is made. */
export type Hostile = readonly [what: string, reason: Reason, make: (world: SamlWorld) => Made]

/** Each is refused with its reason, the caller learns no more than that it was, and nobody came out of it. */
export const refusesAll = (rows: readonly Hostile[], world: () => SamlWorld): void => {
  it.each(rows.map(([what, reason, make]) => ({ what, reason, make })))(
    'refuses $what: $reason',
    async ({ reason, make }) => {
      const answer = await world().post(await make(world()))
      expectRefused(answer, reason, world())
    },
  )
}

export const expectRefused = (answer: Answer, reason: Reason, world: SamlWorld): void => {
  const { status, body } = answer
  expect({ reason: answer.reason, status, error: body['error'] }).toEqual({
    reason,
    status: reason === 'request.too_large' ? 413 : 400,
    error: 'invalid_request',
  })
  expect(Object.keys(body).filter((name) => !name.startsWith('error'))).toEqual([])
  expect(JSON.stringify(body)).not.toMatch(/alice|admin|_genuine|saml/i)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(world.traces.at(-1)).not.toHaveProperty('subject')
  expect(world.outboundAttempts()).toBe(0)
}

/** What the token says of the one that the assertion is about. */
export interface Identity {
  readonly sub?: string
  readonly email?: string
  readonly groups?: readonly string[]
}

export const alice: Identity = {
  sub: 'user:alice@example.com',
  email: 'alice@example.com',
  groups: ['employees', 'orders-team'],
}

/** A sound assertion: what it is, how it is made, and whom it is about where that is not alice as she usually is. */
export type Sound = readonly [what: string, make: (world: SamlWorld) => Made, identity?: Identity]

/** Each is accepted, and speaks of exactly the one that its issuer meant. */
export const acceptsAll = (rows: readonly Sound[], world: () => SamlWorld): void => {
  it.each(rows.map(([what, make, identity]) => ({ what, make, identity })))(
    'accepts $what',
    async ({ make, identity }) => {
      const answer = await world().post(await make(world()))
      expect({ reason: answer.reason, status: answer.status }).toEqual({ reason: undefined, status: 200 })
      expect(identityOf(answer)).toEqual(identity ?? alice)
    },
  )
}

export const identityOf = ({ claims }: Answer): Identity =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => ['sub', 'email', 'groups'].includes(name)))
