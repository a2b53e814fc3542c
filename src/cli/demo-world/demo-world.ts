import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Claims } from '../../domain/claims.ts'
import { audiences, jobOn, people } from './people.ts'

/** A small OpenID provider that vouches for anyone who asks. `dragoman dev` starts it; nothing else can. */
export interface DemoWorld {
  /** The issuer of its tokens and the URL that it listens on. */
  readonly issuer: string
  stop(): Promise<void>
}

interface IssuerKey {
  readonly kid: string
  readonly alg: 'RS256' | 'ES256'
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

interface Keys {
  readonly RS256: IssuerKey
  readonly ES256: IssuerKey
}

/**
 * Starts the demo issuer on the loopback interface, with new keys.
 *
 * @param port 0: any free one
 * @throws Error of Node with `code` EADDRINUSE when the port is taken
 */
export const startDemoWorld = async (port: number): Promise<DemoWorld> => {
  const [rsa, ecdsa] = await Promise.all([newKey('RS256'), newKey('ES256')])
  const server = createServer()
  await listenOn(server, port)
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  server.on('request', (request, response) => void serve(request, response, issuer, { RS256: rsa, ES256: ecdsa }))
  return { issuer, stop: () => close(server) }
}

const newKey = async (alg: 'RS256' | 'ES256'): Promise<IssuerKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const kid = `demo-${alg.toLowerCase()}`
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

const listenOn = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port }, resolve)
  })

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

interface Answer {
  readonly status: number
  readonly type: 'application/json' | 'text/plain'
  readonly body: string
}

const json = (body: unknown): Answer => ({ status: 200, type: 'application/json', body: JSON.stringify(body) })
const text = (status: number, body: string): Answer => ({ status, type: 'text/plain', body: `${body}\n` })

const serve = async (request: IncomingMessage, response: ServerResponse, issuer: string, keys: Keys) => {
  const { status, type, body } = await answerTo(request, issuer, keys).catch(() => text(500, 'it failed'))
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
}

/** A page in a browser can make a name of its own lead here; under such a name nothing is handed out. */
const isOurName = (host: string | undefined, issuer: string): boolean =>
  host === new URL(issuer).host || host === new URL(issuer).host.replace('localhost', '127.0.0.1')

const answerTo = async ({ method, url, headers }: IncomingMessage, issuer: string, keys: Keys): Promise<Answer> => {
  if (!isOurName(headers.host, issuer)) return text(421, 'this is not the host you asked for')
  if (method !== 'GET') return text(405, 'only GET is answered')
  const { pathname, searchParams } = new URL(url ?? '/', issuer)
  if (pathname === '/.well-known/openid-configuration') return json(discovery(issuer))
  if (pathname === '/jwks.json') return json({ keys: [keys.RS256.publicJwk, keys.ES256.publicJwk] })
  if (pathname === '/tokens/ci') return jobToken(searchParams.get('ref') ?? 'refs/heads/main', issuer, keys.ES256)
  const person = people.get(pathname.replace(/^\/tokens\//, ''))
  if (person !== undefined) return text(200, await signed({ ...person, aud: audiences.people }, issuer, keys.RS256))
  return text(404, `ask for /tokens/${[...people.keys(), 'ci?ref=refs/heads/main'].join(', /tokens/')}`)
}

/** OpenID Connect Discovery 1.0 section 3, as far as it is true here. */
const discovery = (issuer: string) => ({
  issuer,
  jwks_uri: `${issuer}/jwks.json`,
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256', 'ES256'],
})

const jobToken = async (ref: string, issuer: string, key: IssuerKey): Promise<Answer> => {
  if (!/^refs\/[A-Za-z0-9._/-]{1,100}$/.test(ref)) return text(400, 'ref is that of a branch or tag: refs/heads/main')
  return text(200, await signed({ ...jobOn(ref), aud: audiences.ci }, issuer, key))
}

const signed = (claims: Claims, issuer: string, { privateKey, kid, alg }: IssuerKey): Promise<string> =>
  new SignJWT({ ...claims, jti: randomUUID() })
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setIssuedAt()
    .setExpirationTime('10 minutes')
    .sign(privateKey)
