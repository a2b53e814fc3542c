import process from 'node:process'
import * as z from 'zod'
import { askForTokens, type TokenResponse } from '../../world/authorization-code.ts'
import { administrator, clients, firstKey, keyProvider, password, type RealmName, type User } from './realms.ts'

/** The Keycloak that `npm run test:interop` has started, as its users, clients and administrator see it. */

const environment = z.object({
  DRAGOMAN_TEST_KEYCLOAK_URL: z.url(),
  DRAGOMAN_TEST_KEYCLOAK_PID: z.coerce.number().int().positive(),
})

const startedBy = environment.safeParse(process.env)
if (!startedBy.success) throw new Error('these tests need a Keycloak: npm run test:interop starts one')
const { DRAGOMAN_TEST_KEYCLOAK_URL: base, DRAGOMAN_TEST_KEYCLOAK_PID: pid } = startedBy.data

type Client = keyof typeof clients

export const issuerOf = (realm: string): string => `${base}/realms/${realm}`

const tokenEndpoint = (realm: string) => `${issuerOf(realm)}/protocol/openid-connect/token`

const registered = (client: Client) => ({ id: clients[client], secret: password })

/** ID token, access token and refresh token of a user who signs in with a password (RFC 6749 section 4.3). */
export const signIn = (realm: RealmName, username: User, client: Client = 'web'): Promise<TokenResponse> =>
  askForTokens(tokenEndpoint(realm), registered(client), {
    grant_type: 'password',
    scope: 'openid',
    username,
    password,
  })

/** The access token of a client's service account (RFC 6749 section 4.4). */
export const serviceAccountToken = async (realm: RealmName): Promise<string> =>
  (await askForTokens(tokenEndpoint(realm), registered('web'), { grant_type: 'client_credentials' })).access_token

/** Ends a session; Keycloak then tells the client, if it has a back channel. */
export const signOut = async (realm: RealmName, { refresh_token = '' }: TokenResponse): Promise<void> => {
  const body = new URLSearchParams({ client_id: clients.web, client_secret: password, refresh_token })
  const response = await fetch(`${issuerOf(realm)}/protocol/openid-connect/logout`, { method: 'POST', body })
  if (!response.ok) throw new Error(`logout: ${response.status} ${await response.text()}`)
}

/** An access token of the realm that governs the others. */
export const administratorToken = async (): Promise<string> => {
  const body = { grant_type: 'password', client_id: 'admin-cli', username: administrator, password }
  const response = await fetch(tokenEndpoint('master'), { method: 'POST', body: new URLSearchParams(body) })
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token
}

/** Asks the administrators' interface. */
export const administer = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const response = await fetch(`${base}/admin/realms/${path}`, {
    method,
    headers: { authorization: `Bearer ${await administratorToken()}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

const named = z.array(z.looseObject({ id: z.string(), name: z.string().optional() }))

/** The realm signs with a new key from now on, and still publishes the ones before. */
export const addKey = async (realm: RealmName, name: string, priority: number): Promise<void> =>
  void (await administer('POST', `${realm}/components`, keyProvider(realm, name, priority)))

/** The realm no longer publishes the key of this name. */
export const withdrawKey = async (realm: RealmName, name: string): Promise<void> => {
  const type = 'org.keycloak.keys.KeyProvider'
  const providers = named.parse(await administer('GET', `${realm}/components?type=${type}`))
  const key = providers.find((provider) => provider.name === name)
  if (key === undefined) throw new Error(`the realm ${realm} has no key ${name}`)
  await administer('DELETE', `${realm}/components/${key.id}`)
}

/** The realm signs with a new key from now on, and no longer publishes the first one. */
export const rotateKeys = async (realm: RealmName): Promise<void> => {
  await addKey(realm, 'second', 200)
  await withdrawKey(realm, firstKey)
}

/** From now on Keycloak posts a logout token to `url` when a session of the client ends (Back-Channel Logout 1.0). */
export const tellOfLogouts = async (realm: RealmName, url: string): Promise<void> => {
  const [client] = z
    .array(z.looseObject({ id: z.string(), attributes: z.record(z.string(), z.string()) }))
    .parse(await administer('GET', `${realm}/clients?clientId=${clients.web}`))
  if (client === undefined) throw new Error('no such client')
  const attributes = { ...client.attributes, 'backchannel.logout.url': url }
  await administer('PUT', `${realm}/clients/${client.id}`, { ...client, attributes })
}

/** While `work` runs, Keycloak hangs: it takes connections, and answers nothing. */
export const whileKeycloakHangs = async (work: () => Promise<void>): Promise<void> => {
  process.kill(-pid, 'SIGSTOP')
  try {
    await work()
  } finally {
    process.kill(-pid, 'SIGCONT')
  }
}
