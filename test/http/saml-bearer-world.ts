import { createHash } from 'node:crypto'
import { samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { servePlace } from '../world/served-place.ts'
import { testKeyring } from '../world/signing.ts'
import { basic, billing, gatewaySecret, orders, us } from './token-world.ts'

/** A token endpoint that believes one SAML identity provider, and another whose keys are nowhere to be had. */

export const now = Math.floor(Date.now() / 1_000)

/** The one that is believed, one of its name with another key, and the one whose keys cannot be had. */
export const idp = samlIdentityProvider({ now: () => now })
export const elsewhere = samlIdentityProvider({ now: () => now })
export const away = samlIdentityProvider({ now: () => now, entityId: 'https://away.example.com/saml' })

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

/** Believes `idp`; `more` replaces parts of the spec. */
export const staff = (more: object = {}) =>
  document('TrustMap', 'staff', {
    source: {
      saml: {
        entityID: idp.entityId,
        certificates: ['idp.pem'],
        audiences: [us],
        attributes: { groups: { name: 'groups', list: true } },
      },
    },
    claimValidationRules: [{ expression: "claims.sub != 'root@example.com'", message: 'root is reserved' }],
    rules: [
      {
        name: 'employees',
        when: { claims: { groups: { contains: 'employees' } } },
        identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
        grant: { audiences: [orders, billing], scopes: ['orders:read', 'orders:write'], ttl: '5m' },
      },
    ],
    ...more,
  })

/** Its metadata is nowhere to be had. */
export const unreachable = document('TrustMap', 'unreachable', {
  source: {
    saml: { entityID: 'https://away.example.com/saml', metadataURL: 'https://away.example.com/md', audiences: [us] },
  },
  rules: [
    {
      name: 'all',
      identity: { type: 'user', subject: { claim: 'sub' } },
      grant: { audiences: [orders], scopes: ['orders:read'], ttl: '5m' },
    },
  ],
})

const client = (name: string, may: object) =>
  document('Client', name, {
    authentication: [
      {
        method: 'client_secret_basic',
        secrets: [{ sha256: createHash('sha256').update(gatewaySecret).digest('base64url') }],
      },
    ],
    may,
  })

/** Serves a token endpoint with these maps; stop it when done. */
export const openSamlPlace = async (maps: readonly object[]) =>
  servePlace({
    issuer: us,
    now: () => now,
    documents: [
      ...maps,
      client('gateway', { sources: ['*'], audiences: [orders, billing], scopes: ['orders:read', 'orders:write'] }),
      client('powerless', { audiences: [orders], scopes: ['orders:read'] }),
    ],
    files: { 'idp.pem': idp.certificatePem },
    keyring: await testKeyring(),
  })

export const grantType = 'urn:ietf:params:oauth:grant-type:saml2-bearer'

export type Form = Readonly<Record<string, string>>

/** A good request for the grant as `id`, with `changes` to its form. */
export const requestOf = (assertion: string, changes: Form = {}, id = 'gateway'): RequestInit => ({
  method: 'POST',
  headers: { authorization: basic(id, gatewaySecret), 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ grant_type: grantType, assertion, audience: orders, ...changes }).toString(),
})
