import type { Claims } from '../domain/claims.ts'
import { type Secret, secret } from '../domain/secret.ts'
import type { Instant, Seconds } from '../domain/time.ts'
import { asObject } from '../formats/json.ts'
import type { VaultField } from '../formats/secret-settings.ts'
import type { HttpRequest, HttpResponse } from '../ports/http.ts'
import type { Ports } from '../ports/ports.ts'
import type { SecretReference } from '../ports/secrets.ts'
import { readJsonObject } from './json-document.ts'
import { type KeptFresh, keptFresh } from './kept-fresh.ts'
import type { Outbound } from './outbound.ts'

/** How a Vault or OpenBao server is reached, and how we say there who we are. */
export interface VaultAccess {
  /** Its URL. It may lie in a private network: it is the deployment's own. */
  readonly address: string
  readonly namespace?: string
  readonly auth: VaultToken | VaultLogin
}

/** A token that somebody else keeps alive. */
export interface VaultToken {
  readonly token: SecretReference
}

/** Its jwt auth method (mounted at `mount`), with a token of our own issuer: nothing has to be kept secret for it. */
export interface VaultLogin {
  readonly mount: string
  readonly role: string
  readonly jwt: () => Promise<Secret<string>>
}

/** The KV store, version 2, of a Vault or OpenBao server. */
export interface Vault {
  /** @throws Error that names the place and never a value */
  read(field: VaultField, now: Instant): Promise<Secret<string>>
}

type Tools = Pick<Ports, 'secrets' | 'log' | 'clock'>

const freshFor: Seconds = 60
const staleFor: Seconds = 3_600

export const createVault = (access: VaultAccess, outbound: Outbound, tools: Tools): Vault => {
  const base = access.address.replace(/\/$/, '')
  const { host } = new URL(base)
  const send = async (request: Omit<HttpRequest, 'headers'>, token?: Secret<string>): Promise<HttpResponse> =>
    outbound.fetch(
      {
        ...request,
        headers: {
          accept: 'application/json',
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(access.namespace === undefined ? {} : { 'x-vault-namespace': access.namespace }),
          ...(token === undefined ? {} : { 'x-vault-token': token.reveal() }),
        },
      },
      { allowHosts: [host] },
    )
  const tokens = tokenSource(access, base, send, tools)
  const kept = new Map<string, KeptFresh<Claims>>()

  const load = async (mount: string, path: string, now: Instant): Promise<Claims> => {
    const request = { method: 'GET', url: `${base}/v1/${mount}/data/${path}` } as const
    const first = await send(request, await tokens.current(now))
    // The token may have been revoked before its time; there is a new one for those who can log in.
    const response = first.status === 403 ? await send(request, await tokens.renewed(now)) : first
    if (response.status !== 200) throw new Error(`${host} answers with status ${response.status}`)
    const data = asObject(asObject(readJsonObject(response.body)['data'])?.['data'])
    if (data === undefined) throw new Error(`${host} does not answer as a KV store of version 2`)
    return data
  }

  const sourceOf = (mount: string, path: string): KeptFresh<Claims> => {
    const name = `${mount}/${path}`
    const source =
      kept.get(name) ??
      keptFresh({
        load: async (now) => ({ value: await load(mount, path, now), freshFor }),
        staleFor,
        cooldown: 5,
        onFailure: (error, state) =>
          tools.log.warn('a secret could not be read from Vault', {
            place: name,
            left: state,
            error: error instanceof Error ? error.message : 'unknown',
          }),
      })
    kept.set(name, source)
    return source
  }

  return {
    async read({ mount, path, field }, now) {
      const { value } = await sourceOf(mount, path).get(now)
      const found = Object.hasOwn(value, field) ? value[field] : undefined
      if (typeof found !== 'string' || found === '') throw new Error(`there is no text in the field ${field}`)
      return secret(found)
    },
  }
}

interface TokenSource {
  current(now: Instant): Promise<Secret<string>>
  /** After one was refused. */
  renewed(now: Instant): Promise<Secret<string>>
}

type Send = (request: Omit<HttpRequest, 'headers'>, token?: Secret<string>) => Promise<HttpResponse>

const tokenSource = ({ auth, address }: VaultAccess, base: string, send: Send, { secrets }: Tools): TokenSource => {
  if ('token' in auth) {
    const read = () => secrets.read(auth.token)
    return { current: read, renewed: read }
  }
  const source = keptFresh({
    load: async () => logIn(auth, base, send),
    staleFor: 0,
    cooldown: 1,
    onFailure: () => undefined,
  })
  const tokenIn = async (held: Promise<{ readonly value: Secret<string> }>): Promise<Secret<string>> => {
    try {
      return (await held).value
    } catch (cause) {
      throw new Error(`cannot log in at ${new URL(address).host}`, { cause })
    }
  }
  return { current: (now) => tokenIn(source.get(now)), renewed: (now) => tokenIn(source.refresh(now)) }
}

/** A lease may be without an end; it is renewed by another login all the same. */
const longestLease: Seconds = 3_600

const logIn = async ({ mount, role, jwt }: VaultLogin, base: string, send: Send) => {
  const body = JSON.stringify({ role, jwt: (await jwt()).reveal() })
  const response = await send({ method: 'POST', url: `${base}/v1/auth/${mount}/login`, body })
  if (response.status !== 200) throw new Error(`the login is answered with status ${response.status}`)
  const auth = asObject(readJsonObject(response.body)['auth'])
  const token = auth?.['client_token']
  const lease = auth?.['lease_duration']
  if (typeof token !== 'string' || token === '') throw new Error('the login is answered without a token')
  const seconds = typeof lease === 'number' && lease > 0 ? Math.min(lease, longestLease) : longestLease
  return { value: secret(token), freshFor: seconds }
}
