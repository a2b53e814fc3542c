import type { JWK } from 'jose'
import * as z from 'zod'
import { askForTokens, signInAs } from './authorization-code.ts'
import { converse } from './child-process.ts'
import type { Trouble } from './faulty-front.ts'
import { type Lie, type Question, type Requests, ready, requests } from './openid-provider-messages.ts'
import { clientSecret, clients, dragomanAudience, paths, type User } from './openid-provider-settings.ts'

type Algorithm = 'RS256' | 'ES256'

/** A real OpenID provider in a process of its own, on a free port of the loopback interface. */
export interface OpenIdProvider {
  readonly issuer: string
  /** Another origin, with other keys, that claims to be the issuer. */
  readonly impostor: string
  /** From the authorization code flow; its audience is the client's id. */
  idToken(user: User, algorithm?: Algorithm): Promise<string>
  /** An `at+jwt` for dragoman: a user's from the authorization code flow, or a client's own (client_credentials). */
  accessToken(options?: { readonly user?: User; readonly algorithm?: Algorithm }): Promise<string>
  /** A user's access token that only introspection can explain. */
  opaqueToken(user: User): Promise<string>
  /** Ends the life of an opaque token (RFC 7009). */
  revoke(token: string): Promise<void>
  /** Makes a client known that gets tokens for itself and proves itself with a key; returns its id (RFC 7591). */
  registerKeyClient(key: JWK): Promise<string>
  /** Signs with new keys from now on; the old ones stay published only when `keepOld`. */
  rotateKeys(options?: { readonly keepOld?: boolean }): Promise<void>
  /** Is in trouble at discovery and the key set, or at `where`, until `restore`. */
  outage(kind: Trouble, where?: readonly string[]): Promise<void>
  lie(lie: Lie): Promise<void>
  /** Ends outages and lies. */
  restore(): Promise<void>
  /** A token with these claims that the impostor signed, under a `kid` that the issuer once used. */
  forgedToken(claims: Record<string, unknown>, typ?: string): Promise<string>
  requests(): Promise<Requests>
  stop(): Promise<void>
}

/** Starts a provider. The caller must stop it. */
export const startOpenIdProvider = async (): Promise<OpenIdProvider> => {
  const entry = new URL('./openid-provider-process.ts', import.meta.url)
  const provider = await converse<Question, z.infer<typeof ready>>(entry, ready)
  const { ask, stop } = provider
  const { issuer, impostor } = provider.ready

  const signIn = (user: User, algorithm: Algorithm) =>
    signInAs(issuer, (algorithm === 'RS256' ? clients.web : clients.webES256).client_id, user)

  const jobToken = async (algorithm: Algorithm) => {
    const client = algorithm === 'RS256' ? clients.job : clients.jobES256
    const form = { grant_type: 'client_credentials', resource: dragomanAudience, scope: 'orders:read' }
    return (await askForTokens(issuer + paths.token, { id: client.client_id, secret: clientSecret }, form)).access_token
  }

  return {
    issuer,
    impostor,
    idToken: async (user, algorithm = 'RS256') => {
      const { id_token: token } = await signIn(user, algorithm)
      if (token === undefined) throw new Error('the provider gave no ID token')
      return token
    },
    accessToken: async ({ user, algorithm = 'RS256' } = {}) =>
      user === undefined ? jobToken(algorithm) : (await signIn(user, algorithm)).access_token,
    opaqueToken: async (user) => (await signInAs(issuer, clients.opaqueWeb.client_id, user)).access_token,
    revoke: async (token) => {
      const client = { client_id: clients.opaqueWeb.client_id, client_secret: clientSecret }
      const response = await fetch(issuer + paths.revocation, {
        method: 'POST',
        body: new URLSearchParams({ ...client, token }),
      })
      if (!response.ok) throw new Error(`revocation: ${response.status}`)
    },
    registerKeyClient: async (key) => {
      const response = await fetch(issuer + paths.registration, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          token_endpoint_auth_method: 'private_key_jwt',
          grant_types: ['client_credentials'],
          response_types: [],
          redirect_uris: [],
          jwks: { keys: [key] },
        }),
      })
      return z.object({ client_id: z.string() }).parse(await response.json()).client_id
    },
    rotateKeys: async ({ keepOld = false } = {}) => void (await ask({ ask: 'rotate', keepOld })),
    outage: async (trouble, where = [paths.discovery, paths.jwks]) =>
      void (await ask({ ask: 'fail', trouble, paths: [...where] })),
    lie: async (lie) => void (await ask({ ask: 'lie', lie })),
    restore: async () => void (await ask({ ask: 'restore' })),
    forgedToken: async (claims, typ) => z.string().parse(await ask({ ask: 'forge', claims, typ })),
    requests: async () => requests.parse(await ask({ ask: 'requests' })),
    stop,
  }
}
