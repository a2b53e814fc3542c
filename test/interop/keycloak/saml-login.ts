import { randomUUID } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { newBrowser, pageAt, valueIn } from '../../world/browser.ts'
import { password, samlRealm, type User } from './realms.ts'
import { issuerOf } from './running-keycloak.ts'
import { loginNameOf, recipient } from './saml-clients.ts'

/** A person signs in at Keycloak with a browser, up to the Response that the browser would post to the client. */

const endpoint = `${issuerOf(samlRealm)}/protocol/saml`

/** Without a request of the client (SAML profiles section 4.1.5). */
const unasked = (entityId: string): URL => new URL(`${endpoint}/clients/${loginNameOf(entityId)}`)

/** By a request of the client that the browser brings (SAML bindings section 3.4). */
const asked = (entityId: string, id: string): URL => {
  const request = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${id}" Version="2.0"
 IssueInstant="${new Date().toISOString()}" Destination="${endpoint}" AssertionConsumerServiceURL="${recipient}"
 ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"><saml:Issuer
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${entityId}</saml:Issuer></samlp:AuthnRequest>`
  const url = new URL(endpoint)
  url.search = new URLSearchParams({ SAMLRequest: deflateRawSync(request).toString('base64') }).toString()
  return url
}

const responseAt = async (start: URL, user: User): Promise<string> => {
  const browse = newBrowser()
  const login = await pageAt(browse, start)
  const action = new URL(valueIn(login.text, /<form id="kc-form-login"[^>]* action="([^"]+)"/))
  const posting = await pageAt(browse, action, { username: user, password })
  return Buffer.from(valueIn(posting.text, /name="SAMLResponse" value="([^"]+)"/i), 'base64').toString()
}

/** The Response for the client, as XML. */
export const responseFor = (entityId: string, user: User): Promise<string> => responseAt(unasked(entityId), user)

/** The Response to a request of the client; it says so. */
export const responseToRequest = (entityId: string, user: User): Promise<string> =>
  responseAt(asked(entityId, `_${randomUUID()}`), user)
