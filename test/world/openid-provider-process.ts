import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type * as z from 'zod'
import { answerParent } from './child-process.ts'
import { faultyFront } from './faulty-front.ts'
import { type Lie, question, type ready } from './openid-provider-messages.ts'
import { configuration, type Library, paths } from './openid-provider-settings.ts'
import { newSigningKey, publicHalf, type SigningKey, signed } from './signing-keys.ts'

/** The provider's own process: oidc-provider behind a front that can fail, and an impostor on another origin. */

interface Provider extends Library {
  callback(): RequestListener
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<{ params: { login_hint?: string } }>
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: unknown): Promise<void>
}

// The library ships no types: names that the compiler does not follow, and the shapes that are used here.
const library: string = 'oidc-provider'
const memory: string = 'oidc-provider/lib/adapters/memory_adapter.js'
const { Provider }: { Provider: new (issuer: string, settings: unknown) => Provider } = await import(library)
const { createMemoryAdapter }: { createMemoryAdapter: () => unknown } = await import(memory)

let generation = 0
const newKeys = () => {
  generation += 1
  return Promise.all([newSigningKey('RS256', `rsa-${generation}`), newSigningKey('ES256', `ec-${generation}`)])
}

const impostorKey = await newSigningKey('RS256', 'rsa-1')
let keys: SigningKey[] = await newKeys()
let lie: Lie | undefined
let current: { readonly provider: Provider; readonly listener: RequestListener } | undefined

const json = (response: ServerResponse, body: unknown) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const adapter = createMemoryAdapter()

/** Keys are fixed when a provider is made, so a rotation makes another over the same store. */
const provide = (issuer: string) => {
  const provider = new Provider(issuer, { ...configuration(keys), adapter })
  const callback = provider.callback()
  const listener: RequestListener = (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) callback(request, response)
    else signIn(provider, request, response).catch(() => response.destroy())
  }
  return { provider, listener }
}

/** Whoever `login_hint` names is signed in, without a password. */
const signIn = async (provider: Provider, request: IncomingMessage, response: ServerResponse) => {
  const { params } = await provider.interactionDetails(request, response)
  await provider.interactionFinished(request, response, { login: { accountId: params.login_hint } })
}

const metadata = (issuer: string, jwksOrigin: string) => ({
  issuer,
  jwks_uri: jwksOrigin + paths.jwks,
  authorization_endpoint: issuer + paths.authorization,
  token_endpoint: issuer + paths.token,
  introspection_endpoint: issuer + paths.introspection,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256', 'ES256'],
})

/** The impostor by an address that no outside key set can have: it reaches this machine all the same. */
const unspecified = (origin: string) => origin.replace('127.0.0.1', '0.0.0.0')

const lies: Record<Lie, { at: string; tell: (response: ServerResponse, honest: string) => unknown }> = {
  issuer: {
    at: paths.discovery,
    tell: (response, honest) => json(response, metadata(impostor.origin, honest)),
  },
  jwks_uri: {
    at: paths.discovery,
    tell: (response, honest) => json(response, metadata(honest, unspecified(impostor.origin))),
  },
  no_jwks_uri: {
    at: paths.discovery,
    tell: (response, honest) => json(response, { ...metadata(honest, honest), jwks_uri: undefined }),
  },
  redirect: {
    at: paths.discovery,
    tell: (response) => response.writeHead(302, { location: impostor.origin + paths.discovery }).end(),
  },
  jwks_redirect: {
    at: paths.jwks,
    tell: (response) => response.writeHead(302, { location: impostor.origin + paths.jwks }).end(),
  },
}

const front = await faultyFront((origin) => (request, response) => {
  const told = lie === undefined ? undefined : lies[lie]
  if (told !== undefined && request.url === told.at) return told.tell(response, origin)
  current ??= provide(origin)
  return current.listener(request, response)
})

/** Serves what the honest provider would, but with keys of its own. */
const impostor = await faultyFront(() => (request, response) => {
  if (request.url === paths.jwks) return json(response, { keys: [publicHalf(impostorKey)] })
  return json(response, metadata(front.origin, impostor.origin))
})

const rotate = async (keepOld: boolean) => {
  const [rsa, ec] = await newKeys()
  keys = keepOld ? [rsa, ec, ...keys] : [rsa, ec]
  current = undefined
}

const tellLie = async (next: Lie | undefined) => {
  lie = next
}

const answer = async (asked: unknown): Promise<unknown> => {
  const the = question.parse(asked)
  if (the.ask === 'rotate') return rotate(the.keepOld)
  if (the.ask === 'fail') return front.fail(the.trouble, the.paths)
  if (the.ask === 'lie') return tellLie(the.lie)
  if (the.ask === 'restore') return Promise.all([tellLie(undefined), front.restore()])
  if (the.ask === 'requests') return { issuer: front.counts, impostor: impostor.counts }
  return signed(impostorKey, the.claims, the.typ)
}

answerParent({ issuer: front.origin, impostor: impostor.origin } satisfies z.infer<typeof ready>, answer)
