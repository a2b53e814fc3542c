import { samlRealm } from './realms.ts'
import { administer } from './running-keycloak.ts'

/** Clients of Keycloak for SAML, which calls them by their entity IDs: what it issues to one has that as its audience. */

/** Where Keycloak posts its Responses to, which is the Recipient of the assertions in them. Nobody listens there. */
export const recipient = 'https://dragoman.example/saml/acs'

const mapper = (name: string, protocolMapper: string, config: Readonly<Record<string, string>>) => ({
  name,
  protocol: 'saml',
  protocolMapper,
  config: { 'attribute.nameformat': 'Basic', ...config },
})

const mappers = [
  // One Attribute for each role, all of the same name, as Keycloak's own scope `role_list` has it.
  mapper('role list', 'saml-role-list-mapper', { 'attribute.name': 'Role', single: 'false' }),
  mapper('groups', 'saml-group-membership-mapper', {
    'attribute.name': 'urn:example:groups',
    single: 'true',
    'full.path': 'true',
  }),
  mapper('email', 'saml-user-property-mapper', {
    'user.attribute': 'email',
    'attribute.name': 'urn:oid:1.2.840.113549.1.9.1',
    'attribute.nameformat': 'URI Reference',
    'friendly.name': 'email',
  }),
]

/** Only the assertion is signed. */
const signedAssertion = {
  'saml.assertion.signature': 'true',
  'saml.server.signature': 'false',
  'saml.client.signature': 'false',
  'saml.force.post.binding': 'true',
  'saml.authnstatement': 'true',
  'saml.signature.algorithm': 'RSA_SHA256',
  'saml.assertion.lifespan': '600',
  saml_name_id_format: 'username',
  saml_force_name_id_format: 'true',
  saml_assertion_consumer_url_post: recipient,
}

/** The last part of the URL at which a browser begins without a request of the client. */
export const loginNameOf = (entityId: string): string => entityId.replaceAll(/\W+/g, '-')

/** Adds a client; `attributes` are Keycloak's settings for it, beside or instead of those that all have. */
export const addClient = async (entityId: string, attributes: Readonly<Record<string, string>> = {}): Promise<void> => {
  const named = { saml_idp_initiated_sso_url_name: loginNameOf(entityId) }
  await administer('POST', `${samlRealm}/clients`, {
    clientId: entityId,
    protocol: 'saml',
    redirectUris: [recipient],
    attributes: { ...signedAssertion, ...named, ...attributes },
    protocolMappers: mappers,
  })
}
