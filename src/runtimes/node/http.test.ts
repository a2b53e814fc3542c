import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { HttpLimits, HttpRequest } from '../../ports/http.ts'
import { createOutbound } from '../../sources/outbound.ts'
import { createNodeHttp } from './http.ts'

const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

const portOf = async (server: TcpServer): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

const started = async (server: Server): Promise<number> => {
  stops.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return portOf(server)
}

const serve = async (listener: RequestListener) => `http://127.0.0.1:${await started(createServer(listener))}/`

/** A peer that writes what it likes, whatever it is asked. */
const serveBytes = async (speak: (socket: Socket) => void) => {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    socket.once('data', () => speak(socket))
  })
  stops.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${await portOf(server)}/`
}

const get = (url: string): HttpRequest => ({ method: 'GET', url, headers: { accept: 'application/json' } })
const anywhere: HttpLimits = { timeout: 5, maxBytes: 1_000, mayConnect: () => true }

describe('createNodeHttp', () => {
  it('sends method, headers and body, and reads the answer to the end', async () => {
    const url = await serve((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const { 'accept-encoding': encoding, 'content-length': length, 'x-one': one } = request.headers
        const seen = [request.method, encoding, length, one, Buffer.concat(chunks).toString()]
        response.writeHead(418, { 'X-Answer': 'yes', 'set-cookie': ['a=1', 'b=2'] }).end(seen.join(' '))
      })
    })
    const sent: HttpRequest = { method: 'POST', url, headers: { 'x-one': '1' }, body: 'tök=1' }
    const { status, headers, body } = await createNodeHttp().send(sent, anywhere)
    expect(status).toBe(418)
    expect(headers).toMatchObject({ 'x-answer': 'yes', 'set-cookie': 'a=1, b=2' })
    expect(Buffer.from(body).toString()).toBe('POST identity 6 1 tök=1')
  })

  it('follows no redirect', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: '/elsewhere' }).end())
    const { status, headers } = await createNodeHttp().send(get(url), anywhere)
    expect([status, headers['location']]).toEqual([302, '/elsewhere'])
  })

  it('reuses a connection', async () => {
    const ports = new Set<number | undefined>()
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort)
      response.end('ok')
    })
    const http = createNodeHttp()
    for (let count = 0; count < 5; count++) await http.send(get(url), anywhere)
    expect(ports.size).toBe(1)
  })

  it('sends a GET once more when a kept connection turns out to be closed', async () => {
    let requests = 0
    const url = await serve((request, response) => {
      requests++
      if (requests === 2) request.socket.destroy()
      else response.end('ok')
    })
    const http = createNodeHttp()
    await http.send(get(url), anywhere)
    expect((await http.send(get(url), anywhere)).status).toBe(200)
    expect(requests).toBe(3)
    requests = 1
    await expect(http.send({ ...get(url), method: 'POST', body: '' }, anywhere)).rejects.toThrow('was lost')
    expect(requests).toBe(2)
  })

  it('takes at most maxBytes, whether announced or not', async () => {
    const sizes: Record<string, number> = { '/fits': 1_000, '/over': 1_001 }
    const url = await serve((request, response) => {
      const body = Buffer.alloc(sizes[request.url ?? ''] ?? 0, 'x')
      if (request.headers['x-chunked'] === undefined) response.setHeader('content-length', body.length)
      else response.write(body.subarray(0, 10))
      response.end(request.headers['x-chunked'] === undefined ? body : body.subarray(10))
    })
    const http = createNodeHttp()
    const ask = (path: string, headers = {}) =>
      http.send({ method: 'GET', url: new URL(path, url).href, headers }, anywhere)
    expect((await ask('/fits')).body.length).toBe(1_000)
    expect((await ask('/fits', { 'x-chunked': '1' })).body.length).toBe(1_000)
    await expect(ask('/over')).rejects.toMatchObject({ name: 'QuotaExceededError' })
    await expect(ask('/over', { 'x-chunked': '1' })).rejects.toMatchObject({ name: 'QuotaExceededError' })
  })

  it('stops reading an endless answer', async () => {
    let written = 0
    const url = await serve((_, response) => {
      const chunk = Buffer.alloc(65_536)
      const more = () => {
        while (!response.destroyed && written < 60_000_000) {
          written += chunk.length
          if (!response.write(chunk)) {
            response.once('drain', more)
            return
          }
        }
      }
      more()
    })
    await expect(createNodeHttp().send(get(url), anywhere)).rejects.toMatchObject({ name: 'QuotaExceededError' })
    expect(written).toBeLessThan(20_000_000)
  })

  it.each([
    ['never answers', () => undefined],
    ['sends its headers by the letter', (socket: Socket) => trickle(socket, 'HTTP/1.1 200 OK\r\nx-a: ', 'a')],
    ['sends its body by the letter', (socket: Socket) => trickle(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'x')],
    ['sends interim answers without end', (socket: Socket) => trickle(socket, '', 'HTTP/1.1 102 Processing\r\n\r\n')],
  ])('gives up in time on a peer that %s', async (_, speak) => {
    const url = await serveBytes(speak)
    const begun = performance.now()
    await expect(createNodeHttp().send(get(url), { ...anywhere, timeout: 0.2 })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  it('gives up in time on a name that is never resolved', async () => {
    const http = createNodeHttp({ resolve: () => new Promise(() => undefined) })
    const asked = http.send(get('http://slow.test/'), { ...anywhere, timeout: 0.1 })
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it.each([
    ['an encoded answer', () => ({ head: 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n', body: gzipSync('{}') })],
    ['headers beyond 16 KiB', () => ({ head: `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, body: '{}' })],
    ['a body that breaks off', () => ({ head: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n', body: 'five!' })],
    [
      'another protocol',
      () => ({ head: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', body: '' }),
    ],
    ['two lengths', () => ({ head: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n', body: '{}' })],
    ['what is not HTTP', () => ({ head: 'SSH-2.0-OpenSSH_9.9\r\n', body: '' })],
    ['nothing', () => ({ head: '', body: '' })],
  ])('refuses %s', async (_, answer) => {
    const url = await serveBytes((socket) => {
      const { head, body } = answer()
      socket.write(head)
      socket.end(body)
    })
    await expect(createNodeHttp().send(get(url), anywhere)).rejects.toThrow(/the (answer|connection) /)
  })

  it('says when nobody listens', async () => {
    const server = createServer()
    const port = await portOf(server)
    server.close()
    await expect(createNodeHttp().send(get(`http://127.0.0.1:${port}/`), anywhere)).rejects.toThrow('ECONNREFUSED')
  })
})

const trickle = (socket: Socket, start: string, drop: string): void => {
  socket.write(start)
  const timer = setInterval(() => socket.write(drop), 10)
  socket.on('close', () => clearInterval(timer))
}

const counting = async () => {
  const seen: string[] = []
  const url = new URL(
    await serve((request, response) => {
      seen.push(request.url ?? '')
      response.end('ok')
    }),
  )
  return { seen, port: url.port }
}

const isFirstLoopback = (address: string) => address === '127.0.0.1'
const toLoopback = async () => [{ address: '127.0.0.1', family: 4 }]

describe('addresses', () => {
  it('judges the address in a URL', async () => {
    const { port, seen } = await counting()
    const asked: string[] = []
    const mayConnect = (address: string) => {
      asked.push(address)
      return false
    }
    const http = createNodeHttp()
    for (const host of ['127.0.0.1', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])
      await expect(http.send(get(`http://${host}:${port}/`), { ...anywhere, mayConnect })).rejects.toThrow(
        'not allowed',
      )
    expect(asked).toEqual(['127.0.0.1', '127.0.0.1', '::1', '::ffff:7f00:1'])
    expect(seen).toEqual([])
  })

  it('judges every address of a name', async () => {
    const { port, seen } = await counting()
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ]
    const http = createNodeHttp({ resolve: async () => addresses })
    await expect(
      http.send(get(`http://two.test:${port}/`), { ...anywhere, mayConnect: isFirstLoopback }),
    ).rejects.toThrow('not allowed')
    expect(seen).toEqual([])
    const none = createNodeHttp({ resolve: async () => [] })
    await expect(none.send(get(`http://none.test:${port}/`), anywhere)).rejects.toThrow(/connection failed/)
  })

  it('judges at the moment of connecting, whatever the name resolved to before', async () => {
    const { port, seen } = await counting()
    const answers = ['127.0.0.1', '127.0.0.2']
    const http = createNodeHttp({ resolve: async () => [{ address: answers.shift() ?? '', family: 4 }] })
    const alone = { ...get(`http://rebound.test:${port}/1`), headers: { connection: 'close' } }
    expect((await http.send(alone, { ...anywhere, mayConnect: isFirstLoopback })).status).toBe(200)
    await expect(
      http.send(get(`http://rebound.test:${port}/2`), { ...anywhere, mayConnect: isFirstLoopback }),
    ).rejects.toThrow('not allowed')
    expect(seen).toEqual(['/1'])
  })

  it('judges the address of a connection that another request has opened', async () => {
    const { port, seen } = await counting()
    const http = createNodeHttp({ resolve: toLoopback })
    const url = `http://shared.test:${port}`
    expect((await http.send(get(`${url}/allowed`), anywhere)).status).toBe(200)
    await expect(http.send(get(`${url}/not`), { ...anywhere, mayConnect: () => false })).rejects.toThrow('not allowed')
    expect(seen).toEqual(['/allowed'])
  })
})

/** The least of DER that a certificate needs. */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const pem = (label: string, content: Buffer) =>
  `-----BEGIN ${label}-----\n${content.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

/** A certificate that speaks for `host`, signed with its own key. */
const selfSigned = (host: string) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(host)))))
  const validity = sequence(der(0x17, Buffer.from('250101000000Z')), der(0x17, Buffer.from('490101000000Z')))
  const names = der(0x04, sequence(der(0x82, Buffer.from(host))))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const serial = der(0x02, Buffer.from([1, ...createHash('sha256').update(spki).digest().subarray(0, 8)]))
  const extensions = der(0xa3, sequence(sequence(oid('551d11'), names)))
  const version = der(0xa0, der(0x02, Buffer.from([2])))
  const unsigned = sequence(version, serial, ecdsaWithSha256, name, validity, name, spki, extensions)
  const signature = der(0x03, Buffer.from([0]), sign('sha256', unsigned, privateKey))
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  return { key, cert: pem('CERTIFICATE', sequence(unsigned, ecdsaWithSha256, signature)) }
}

describe('TLS', () => {
  const identity = selfSigned('idp.test')
  const start = async () => `${await started(createTlsServer(identity, (_, response) => response.end('ok')))}`

  it('trusts the authorities it was given, besides those of the platform', async () => {
    const url = `https://idp.test:${await start()}/`
    const http = createNodeHttp({ ca: [identity.cert], resolve: toLoopback })
    expect((await http.send(get(url), anywhere)).status).toBe(200)
    await expect(createNodeHttp({ resolve: toLoopback }).send(get(url), anywhere)).rejects.toThrow(
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    )
  })

  it('wants a certificate that speaks for the host', async () => {
    const http = createNodeHttp({ ca: [identity.cert], resolve: toLoopback })
    const asked = http.send(get(`https://other.test:${await start()}/`), anywhere)
    await expect(asked).rejects.toThrow('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('reaches a private host through the guard only when a setting names it', async () => {
    const port = await start()
    const outbound = createOutbound(createNodeHttp({ ca: [identity.cert], resolve: toLoopback }), {
      insecureLoopback: false,
    })
    const ask = (...allowHosts: readonly string[]) => outbound.fetch(get(`https://idp.test:${port}/`), { allowHosts })
    expect((await ask('idp.test')).status).toBe(200)
    expect((await ask('IDP.test')).status).toBe(200)
    expect((await ask(`idp.test:${port}`)).status).toBe(200)
    for (const others of [[], ['test'], ['*.test'], ['idp.test:443'], ['127.0.0.1'], ['']])
      await expect(ask(...others)).rejects.toMatchObject({ name: 'OutboundError', kind: 'refused' })
  })
})
