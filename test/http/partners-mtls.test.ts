import { createHash, X509Certificate } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNodeHttp } from '../../src/runtimes/node/http.ts'
import { testAuthority } from '../world/certificates.ts'
import { type EgressWorld, openEgressWorld, partner } from './egress-world.ts'

/** RFC 8705 at a partner: a real TLS server that wants to see our certificate. */

const servers = testAuthority('Servers of the partner')
const clients = testAuthority('Clients of the partner')
const [ours, others] = [clients.issue(), clients.issue()]
const thumbprint = (der: Uint8Array) => createHash('sha256').update(der).digest('base64url')

let server: Server
let world: EgressWorld
const seen: { readonly thumbprint: string | undefined; readonly body: string; readonly connection: number }[] = []
let connections = 0
const numbers = new WeakMap<object, number>()

beforeAll(async () => {
  const certificate = servers.issue({ ips: [Buffer.from([127, 0, 0, 1])] })
  server = createServer(
    {
      cert: certificate.pem,
      key: certificate.privateKeyPem,
      ca: clients.pem,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const socket = request.socket as TLSSocket
      const peer = socket.getPeerX509Certificate()
      const connection = numbers.get(socket) ?? ++connections
      numbers.set(socket, connection)
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        seen.push({ thumbprint: peer && thumbprint(new X509Certificate(peer.raw).raw), body, connection })
        response.setHeader('content-type', 'application/json')
        if (peer === undefined || !socket.authorized) response.writeHead(401).end('{"error":"invalid_client"}')
        else
          response.end(JSON.stringify({ access_token: `bound-${seen.length}`, token_type: 'Bearer', expires_in: 600 }))
      })
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/token`
  const bank = (name: string, clientAuth: object) =>
    partner(
      name,
      { type: 'client-credentials', tokenEndpoint: url, clientAuth },
      { destinations: { hosts: [`${name}.example`] }, calls: { allowHosts: ['127.0.0.1'] } },
    )
  world = await openEgressWorld({
    http: createNodeHttp({ ca: [servers.pem] }),
    secrets: { ours: ours.privateKeyPem, others: others.privateKeyPem },
    files: { 'ours.pem': ours.pem, 'others.pem': others.pem },
    documents: () => [
      bank('bank', { method: 'tls_client_auth', clientId: 'ours', certificate: 'ours.pem', key: { file: 'ours' } }),
      bank('second', {
        method: 'tls_client_auth',
        clientId: 'other',
        certificate: 'others.pem',
        key: { file: 'others' },
      }),
      bank('plain', { method: 'none', clientId: 'ours' }),
      bank('mixed', { method: 'tls_client_auth', clientId: 'ours', certificate: 'ours.pem', key: { file: 'others' } }),
    ],
  })
})

afterAll(async () => {
  await world.stop()
  server.closeAllConnections()
  server.close()
})

const sent = async (name: string) => world.describe(await world.token(), { url: `https://${name}.example/` })

describe('tls_client_auth at a partner', () => {
  it('presents our certificate, with the client_id in the form and no secret', async () => {
    expect((await sent('bank')).status).toBe(200)
    expect(seen.at(-1)).toMatchObject({ thumbprint: thumbprint(ours.der) })
    expect(Object.fromEntries(new URLSearchParams(seen.at(-1)?.body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'ours',
    })
  })

  it('shares a connection with nobody who presents another certificate or none', async () => {
    expect((await sent('second')).status).toBe(200)
    expect([(await sent('plain')).status, world.reason()]).toEqual([502, 'partner.unauthenticated'])
    const [first, second, third] = seen.slice(-3)
    expect([first?.thumbprint, second?.thumbprint, third?.thumbprint]).toEqual([
      thumbprint(ours.der),
      thumbprint(others.der),
      undefined,
    ])
    expect(new Set([first?.connection, second?.connection, third?.connection]).size).toBe(3)
  })

  it('refuses a key that is not of the certificate, without a call', async () => {
    const before = seen.length
    expect([(await sent('mixed')).status, world.reason()]).toEqual([503, 'partner.unavailable'])
    expect(seen).toHaveLength(before)
  })
})
