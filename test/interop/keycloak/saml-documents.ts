import { callerDocument, type Document, grantOfOrders, trustMap } from '../../world/documents.ts'
import { samlRealm } from './realms.ts'
import { issuerOf } from './running-keycloak.ts'
import { recipient } from './saml-clients.ts'

/** What a deployment would write to believe the assertions of the realm. */

export const identityProvider = issuerOf(samlRealm)

/** The file with the key for encrypted assertions, beside the documents. */
export const decryptionKeyFile = 'decryption.pem'

/** `audiences` are entity IDs of clients of the realm; `more` are further settings of the source. */
export const samlDocuments = (
  audiences: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): readonly Document[] => [
  trustMap('keycloak-saml', {
    source: {
      preset: 'keycloak-saml',
      saml: {
        entityID: identityProvider,
        metadataURL: `${identityProvider}/protocol/saml/descriptor`,
        allowHosts: ['127.0.0.1'],
        audiences,
        recipient,
        attributes: {
          email: 'urn:oid:1.2.840.113549.1.9.1',
          roles: { name: 'Role', list: true },
          groups: { name: 'urn:example:groups', list: true },
        },
        ...more,
      },
    },
    rules: [
      {
        name: 'engineers',
        when: { claims: { groups: { contains: '/engineering' }, '/attributes/Role': { contains: 'orders-writer' } } },
        identity: {
          type: 'user',
          subject: { claim: '/name_id/value', prefix: 'user:' },
          groups: { claim: 'groups' },
          roles: { claim: 'roles' },
          claims: { email: { claim: 'email', sensitivity: 'internal' } },
        },
        grant: grantOfOrders,
      },
    ],
  }),
  callerDocument(['keycloak-saml']),
]
