import { once } from 'node:events'
import { createServer } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { testAuthority } from '../../../test/world/certificates.ts'
import type { HttpLimits, HttpRequest } from '../../ports/http.ts'
import { createOutbound } from '../../sources/outbound.ts'
import { createNodeHttp } from './http.ts'

const authority = testAuthority('root')
const intermediate = authority.subordinate('intermediate')
const leaf = intermediate.issue({ uris: ['spiffe://prod.example.org/server'] })

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

const listening = async (server: Server): Promise<number> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** A server that no authority of the web vouches for, and what it was asked over which connections. */
const serve = async (cert: string = leaf.pem + intermediate.pem) => {
  const asked: (string | undefined)[] = []
  const names: (string | false | null | undefined)[] = []
  const connections = new Set<Socket>()
  const server = createServer({ cert, key: leaf.privateKeyPem }, (request, response) => {
    asked.push(request.url)
    connections.add(request.socket)
    response.end('ok')
  })
  server.on('secureConnection', (socket) => names.push(socket.servername))
  return { port: await listening(server), asked, names, connections }
}

const get = (url: string): HttpRequest => ({ method: 'GET', url, headers: {} })
const approve = async () => undefined
const limits = (judgeServer: HttpLimits['judgeServer'] = approve): HttpLimits => ({
  timeout: 5,
  maxBytes: 1_000,
  mayConnect: () => true,
  judgeServer,
})

describe('a server that is judged', () => {
  it('is shown to the judge as it shows itself, and answers when it is approved', async () => {
    const { port, asked } = await serve()
    const shown: Uint8Array[][] = []
    const judge = async (chain: readonly Uint8Array[]) => void shown.push([...chain])
    const { status, body } = await createNodeHttp().send(get(`https://127.0.0.1:${port}/bundle`), limits(judge))
    expect([status, Buffer.from(body).toString()]).toEqual([200, 'ok'])
    expect(shown).toEqual([[new Uint8Array(leaf.der), new Uint8Array(intermediate.der)]])
    expect(asked).toEqual(['/bundle'])
  })

  it('hears nothing when it is not approved, nor before it is', async () => {
    const { port, asked } = await serve()
    const refuse = () => Promise.reject(new Error('not the one'))
    const url = `https://127.0.0.1:${port}/`
    await expect(createNodeHttp().send(get(url), limits(refuse))).rejects.toThrow('not the one')
    const { promise, resolve } = Promise.withResolvers<void>()
    const answer = createNodeHttp().send(
      get(url),
      limits(() => promise),
    )
    await new Promise((done) => setTimeout(done, 150))
    expect(asked).toEqual([])
    resolve()
    expect((await answer).status).toBe(200)
    expect(asked).toEqual(['/'])
  })

  it('shares its connection with nobody', async () => {
    const { port, connections } = await serve()
    const http = createNodeHttp({ ca: [authority.pem] })
    for (let count = 0; count < 3; count++) await http.send(get(`https://127.0.0.1:${port}/`), limits())
    expect(connections.size).toBe(3)
    const unjudged = http.send(get(`https://127.0.0.1:${port}/`), { timeout: 5, maxBytes: 9, mayConnect: () => true })
    await expect(unjudged).rejects.toThrow('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('is told the name that it was called by', async () => {
    const { port, names } = await serve()
    const http = createNodeHttp({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
    await http.send(get(`https://bundles.test:${port}/`), limits())
    await http.send(get(`https://127.0.0.1:${port}/`), limits())
    expect(names).toEqual(['bundles.test', false])
  })

  it('lies at an address that is allowed', async () => {
    const { port, asked } = await serve()
    const nowhere = { ...limits(), mayConnect: () => false }
    const http = createNodeHttp({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
    for (const host of ['127.0.0.1', 'bundles.test'])
      await expect(http.send(get(`https://${host}:${port}/`), nowhere)).rejects.toThrow('not allowed')
    expect(asked).toEqual([])
  })

  it('speaks TLS', async () => {
    const http = createNodeHttp()
    await expect(http.send(get('http://127.0.0.1:9/'), limits())).rejects.toThrow('only a server that speaks TLS')
    const port = await listening(createTcpServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')))
    await expect(http.send(get(`https://127.0.0.1:${port}/`), limits())).rejects.toThrow()
  })

  it('has no more time than any other, nor has its judge', async () => {
    const { port } = await serve()
    const silent = await listening(createTcpServer(() => undefined))
    const never = () => new Promise<void>(() => undefined)
    const hurried = { ...limits(never), timeout: 0.2 }
    for (const one of [port, silent])
      await expect(createNodeHttp().send(get(`https://127.0.0.1:${one}/`), hurried)).rejects.toMatchObject({
        name: 'TimeoutError',
      })
  })

  it('is not believed by the guard when the platform has not asked the judge', async () => {
    const response = { status: 200, headers: {}, body: new Uint8Array() }
    const careless = createOutbound({ send: async () => response }, { insecureLoopback: false })
    const asked = careless.fetch(get('https://1.1.1.1/'), { allowHosts: [], judgeServer: approve })
    await expect(asked).rejects.toMatchObject({
      kind: 'refused',
      message: 'nobody has judged the certificate of 1.1.1.1',
    })
    expect((await careless.fetch(get('https://1.1.1.1/'), { allowHosts: [] })).status).toBe(200)
  })
})
