import { createHash, randomBytes } from 'node:crypto'
import * as z from 'zod'
import { newBrowser } from './browser.ts'
import { clientSecret, dragomanAudience, paths, redirectUri, type User } from './openid-provider-settings.ts'

/** What the token endpoint of a provider answers (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3). */
const tokenResponse = z.object({
  access_token: z.string(),
  id_token: z.string().optional(),
  refresh_token: z.string().optional(),
})

export type TokenResponse = z.infer<typeof tokenResponse>

/** Asks a token endpoint as a client that authenticates with client_secret_basic; throws unless it answers 200. */
export const askForTokens = async (
  endpoint: string,
  client: { readonly id: string; readonly secret: string },
  form: Record<string, string>,
): Promise<TokenResponse> => {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
    signal: AbortSignal.timeout(20_000),
  })
  if (!response.ok) throw new Error(`${endpoint}: ${response.status} ${await response.text()}`)
  return tokenResponse.parse(await response.json())
}

/** Follows redirects as a browser with cookies does, until one leads to `destination`. */
const followTo = async (destination: string, from: URL): Promise<URL> => {
  const browse = newBrowser()
  let at = from
  for (let hops = 0; hops < 10; hops += 1) {
    const response = await browse(at)
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${at.pathname}: ${response.status} ${await response.text()}`)
    at = new URL(location, at)
    if (at.href.startsWith(destination)) return at
  }
  throw new Error('too many redirects')
}

/** The authorization code flow with PKCE (RFC 6749 section 4.1, RFC 7636) for a user who signs in without a browser. */
export const signInAs = async (issuer: string, clientId: string, user: User): Promise<TokenResponse> => {
  const verifier = randomBytes(32).toString('base64url')
  const request = new URL(issuer + paths.authorization)
  request.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'openid email groups orders:read',
    resource: dragomanAudience,
    login_hint: user,
    nonce: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const back = await followTo(redirectUri, request)
  const code = back.searchParams.get('code')
  if (code === null) throw new Error(`no code: ${back.search}`)
  return askForTokens(
    issuer + paths.token,
    { id: clientId, secret: clientSecret },
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      resource: dragomanAudience,
      code_verifier: verifier,
    },
  )
}
