import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dragomanAudience, clients as providerClients } from './openid-provider-settings.ts'

/** The trust-map documents of the end-to-end tests. */

export const orders = 'https://orders.internal.example'

/** A caller of dragoman; the secret guards nothing. */
export const caller = { id: 'edge', secret: 'the-edge-of-the-test-world-32-characters' } as const

export interface Document {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: Readonly<Record<string, unknown>>
}

const document = (kind: string, name: string, spec: Document['spec']): Document => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

export const trustMap = (name: string, spec: Document['spec']) => document('TrustMap', name, spec)

const may = (sources: readonly string[]) => ({ sources, audiences: [orders], scopes: ['orders:read'] })

/** `caller`, who may present credentials of `sources`. */
export const callerDocument = (sources: readonly string[]): Document => {
  const sha256 = createHash('sha256').update(caller.secret).digest('base64url')
  const authentication = [{ method: 'client_secret_basic', secrets: [{ sha256 }] }]
  return document('Client', caller.id, { clientId: caller.id, authentication, may: may(sources) })
}

/** A caller that proves itself with a key of its own (RFC 7523). */
export const keyCallerDocument = (id: string, publicJwk: object, sources: readonly string[]): Document =>
  document('Client', id, {
    clientId: id,
    authentication: [{ method: 'private_key_jwt', jwks: { keys: [publicJwk] } }],
    may: may(sources),
  })

export const grantOfOrders = { audiences: [orders], scopes: ['orders:read'], ttl: '5m' }

/** People by their ID tokens; only those whose address was verified. */
const people = (issuer: string): Document =>
  trustMap('people', {
    source: {
      oidc: {
        issuer,
        audiences: [providerClients.web.client_id, providerClients.webES256.client_id],
        types: ['id_token'],
      },
    },
    rules: [
      {
        name: 'employees',
        when: { claims: { email_verified: true, email: { glob: '*@acme.example' } } },
        identity: {
          type: 'user',
          subject: { claim: 'sub', prefix: 'user:' },
          groups: { claim: 'groups' },
          claims: { email: { claim: 'email', sensitivity: 'pii' } },
        },
        grant: grantOfOrders,
      },
    ],
  })

/** Jobs by their JWT access tokens, people by opaque ones. */
const applications = (issuer: string): Document =>
  trustMap('applications', {
    source: {
      oidc: {
        issuer,
        audiences: [dragomanAudience],
        types: ['access_token'],
        introspection: { clientId: providerClients.dragoman.client_id, clientSecret: { env: 'INTROSPECTION_SECRET' } },
      },
    },
    rules: [
      {
        name: 'jobs',
        when: { claims: { repository: 'acme/orders', ref: 'refs/heads/main' } },
        identity: { type: 'workload', subject: { claim: 'sub', prefix: 'workload:' } },
        grant: grantOfOrders,
      },
      {
        name: 'people',
        when: { claims: { scope: 'orders:read' } },
        identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
        grant: grantOfOrders,
      },
    ],
  })

/** Everything that most tests need: both maps over the provider at `issuer`, and `caller`. */
export const documentsFor = (issuer: string): readonly Document[] => [
  people(issuer),
  applications(issuer),
  callerDocument(['people', 'applications']),
]

/** Writes a file at once: whoever watches the folder sees the old text or the new one, never half of it. */
export const writeWhole = (file: string, text: string): void => {
  const beside = join(dirname(dirname(file)), 'being-written')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(beside, text)
  renameSync(beside, file)
}

/** Writes each document into `folder`, as `<kind>-<name>.yaml`. JSON is YAML. */
export const writeDocuments = (folder: string, documents: readonly Document[]): void => {
  for (const one of documents) writeWhole(join(folder, fileOf(one)), JSON.stringify(one, undefined, 2))
}

export const fileOf = ({ kind, metadata }: Document): string => `${kind.toLowerCase()}-${metadata.name}.yaml`
