import { callerDocument, type Document, grantOfOrders, trustMap } from '../../world/documents.ts'
import { audience, clients, type RealmName, realmNames } from './realms.ts'
import { issuerOf } from './running-keycloak.ts'

/** What a deployment would write to believe these realms. */

const user = {
  type: 'user',
  subject: { claim: 'sub', prefix: 'user:' },
  groups: { claim: 'groups' },
  claims: { name: { claim: 'preferred_username', sensitivity: 'internal' } },
}

const mapOf = (realm: RealmName): Document =>
  trustMap(`keycloak-${realm}`, {
    source: {
      preset: 'keycloak',
      // The realm itself among the audiences is careless; refresh tokens have it, and must be refused all the same.
      oidc: { issuer: issuerOf(realm), audiences: [audience, clients.web, issuerOf(realm)] },
    },
    rules: [
      {
        name: 'service-accounts',
        when: { claims: { preferred_username: { glob: 'service-account-*' } } },
        identity: { type: 'workload', subject: { claim: 'azp', prefix: 'workload:' } },
        grant: grantOfOrders,
      },
      {
        name: 'engineers',
        when: { claims: { groups: { contains: '/engineering' } } },
        identity: user,
        grant: grantOfOrders,
      },
    ],
  })

export const documents: readonly Document[] = [
  ...realmNames.map(mapOf),
  callerDocument(realmNames.map((realm) => `keycloak-${realm}`)),
]
