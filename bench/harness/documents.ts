import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { keyClientId, secretClientId, targetAudience, targetScope } from './exchange-setup.ts'
import { foreignAudience, foreignIssuer, foreignParty, foreignTenant } from './foreign-issuer.ts'
import { egressName, gatewayName, gatewaySecretHeader, partnerTokenIssuer, protectedHost } from './forwarded-request.ts'
import type { World } from './world.ts'

const apiVersion = 'dragoman/v1alpha1'
const keySetFile = 'issuer.jwks.json'

/** What there may be beside the one map and the two clients that all exchanges need. */
export interface MoreDocuments {
  /** Maps for issuers that never come. */
  readonly otherMaps?: number
  /** The gateway that asks about requests. */
  readonly gateway?: boolean
  /** The gateway at the way out, and the partner that its requests go to. */
  readonly egress?: boolean
}

/**
 * Writes the folder of trust maps that dragoman is measured with. The issuer's keys lie in a file, so nothing asks the
 * network. Returns the folder.
 */
export const writeDocuments = (
  world: World,
  { otherMaps = 0, gateway = false, egress = false }: MoreDocuments,
): string => {
  const folder = join(world.folder, 'trust-maps')
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
  mkdirSync(folder, { recursive: true })
  write(keySetFile, JSON.stringify({ keys: [world.pool.jwk] }))
  write('bench.yaml', stringify(trustMap('bench', foreignIssuer)))
  write(
    'clients.yaml',
    clients(world)
      .map((client) => stringify(client))
      .join('---\n'),
  )
  if (gateway) write('gateway.yaml', stringify(gatewayDocument(world)))
  if (egress) {
    write('egress.yaml', `${stringify(egressDocument(world))}---\n${stringify(partnerDocument)}`)
    write(partnerKeyFile, JSON.stringify(world.clientKey))
  }
  for (let index = 1; index <= otherMaps; index += 1) {
    write(`other-${index}.yaml`, stringify(trustMap(`other-${index}`, `https://issuer-${index}.bench.example`)))
  }
  return folder
}

/** One rule with a CEL condition, a subject and four mapped claims. */
const trustMap = (name: string, issuer: string) => ({
  apiVersion,
  kind: 'TrustMap',
  metadata: { name },
  spec: {
    source: {
      oidc: {
        issuer,
        jwksFile: keySetFile,
        audiences: [foreignAudience],
        authorizedParties: [foreignParty],
        algorithms: ['RS256'],
      },
    },
    rules: [
      {
        name: 'employees',
        when: { expression: `claims.tid == '${foreignTenant}' && 'employee' in claims.roles` },
        identity: {
          type: 'user',
          subject: { claim: 'sub', prefix: 'user:' },
          tenant: { claim: 'tid' },
          roles: { claim: 'roles' },
          claims: { email: { claim: 'email' }, department: { claim: 'department' } },
        },
        grant: { audiences: [targetAudience], scopes: [targetScope], ttl: '5m' },
      },
    ],
  },
})

const clients = ({ setup }: World) => {
  const secrets = [{ sha256: sha256(setup.clientSecret) }]
  return [
    client('bench-secret', secretClientId, { method: 'client_secret_basic', secrets }),
    client('bench-key', keyClientId, { method: 'private_key_jwt', jwks: { keys: [setup.clientJwk] } }),
  ]
}

/** A forward-auth gateway that proves itself by a secret. */
const gatewayDocument = ({ setup }: World) => ({
  apiVersion,
  kind: 'Gateway',
  metadata: { name: gatewayName },
  spec: {
    authenticate: { secretHeader: { name: gatewaySecretHeader, secrets: [{ sha256: sha256(setup.clientSecret) }] } },
    dialect: 'forward-auth',
    credentialFrom: [{ header: 'Authorization', scheme: 'Bearer', type: 'jwt' }],
    routes: [
      { name: 'orders', hosts: [protectedHost], paths: ['/v1/**'], audience: targetAudience, scopes: [targetScope] },
    ],
  },
})

/** The same gateway, of the same people, at the way out. */
const egressDocument = ({ setup }: World) => ({
  apiVersion,
  kind: 'Gateway',
  metadata: { name: egressName },
  spec: {
    direction: 'egress',
    authenticate: { secretHeader: { name: gatewaySecretHeader, secrets: [{ sha256: sha256(setup.clientSecret) }] } },
    dialect: 'forward-auth',
    credentialFrom: [{ header: 'Authorization', scheme: 'Bearer', type: 'jwt' }],
    sources: ['bench'],
  },
})

const partnerKeyFile = 'partner-key.json'

/** It takes a JWT under a key that it knows: made once, and kept for everybody. */
const partnerDocument = {
  apiVersion,
  kind: 'Partner',
  metadata: { name: 'bench-partner' },
  spec: {
    destinations: { hosts: [protectedHost], paths: ['/v1/**'] },
    allow: [{ subjects: ['user:*'] }],
    credential: {
      type: 'signed-jwt',
      issuer: partnerTokenIssuer,
      audience: `https://${protectedHost}`,
      algorithm: 'ES256',
      key: { file: partnerKeyFile },
    },
  },
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url')

const client = (name: string, clientId: string, authentication: object) => ({
  apiVersion,
  kind: 'Client',
  metadata: { name },
  spec: {
    clientId,
    authentication: [authentication],
    may: { sources: ['bench'], audiences: [targetAudience], scopes: [targetScope] },
  },
})
