import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { keyClientId, secretClientId, targetAudience, targetScope } from './exchange-setup.ts'
import { foreignAudience, foreignIssuer, foreignParty, foreignTenant } from './foreign-issuer.ts'
import type { World } from './world.ts'

const apiVersion = 'dragoman/v1alpha1'
const keySetFile = 'issuer.jwks.json'

/**
 * Writes the folder of trust maps that dragoman is measured with: the one map that the exchanges need, the two clients,
 * and `others` more maps for issuers that never come. The issuer's keys lie in a file, so nothing asks the network.
 * Returns the folder.
 */
export const writeDocuments = (world: World, others = 0): string => {
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
  for (let index = 1; index <= others; index += 1) {
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
  const sha256 = createHash('sha256').update(setup.clientSecret).digest('base64url')
  return [
    client('bench-secret', secretClientId, { method: 'client_secret_basic', secrets: [{ sha256 }] }),
    client('bench-key', keyClientId, { method: 'private_key_jwt', jwks: { keys: [setup.clientJwk] } }),
  ]
}

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
