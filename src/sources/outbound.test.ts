import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Http, HttpRequest, HttpResponse } from '../ports/http.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { createOutbound, type OutboundPolicy } from './outbound.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

/** A server on this machine; yields its port. */
const serve = async (listener: RequestListener): Promise<number> => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

const get = (url: string): HttpRequest => ({ method: 'GET', url, headers: {} })
const dev = createOutbound(createNodeHttp(), { insecureLoopback: true })
const strict = createOutbound(createNodeHttp(), { insecureLoopback: false })
const nobody: OutboundPolicy = { allowHosts: [] }
const failure = (kind: string) => ({ name: 'OutboundError', kind })

describe('where a request may go', () => {
  it('reaches plain http on this machine under insecureLoopback only', async () => {
    const port = await serve((_, response) => response.end('ok'))
    for (const host of ['127.0.0.1', 'localhost', '127.1']) {
      expect((await dev.fetch(get(`http://${host}:${port}/`), nobody)).status).toBe(200)
      await expect(strict.fetch(get(`http://${host}:${port}/`), nobody)).rejects.toMatchObject(failure('refused'))
    }
  })

  it.each([
    'http://idp.example/',
    'http://10.0.0.1/',
    'http://127.0.0.1.example/',
    'http://localhost.example/',
    'https://user@127.0.0.1/',
    'https://user:pass@idp.example/',
    'https://@[::1]:1/',
    'https://127.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://2130706433/',
    'https://0/',
    'https://0.0.0.0/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[2002:7f00:1::]/',
    'ftp://idp.example/',
    'file:///etc/passwd',
    'data:application/json,{}',
    'idp.example',
    '//idp.example/',
    '',
  ])('refuses %s', async (url) => {
    await expect(strict.fetch(get(url), nobody)).rejects.toMatchObject(failure('refused'))
  })

  it.each([
    'http://10.0.0.1/',
    'http://idp.example/',
    'http://[fd00::1]/',
    'http://[64:ff9b::7f00:1]/',
    'https://10.0.0.1/',
  ])('refuses %s although plain http to this machine is possible', async (url) => {
    await expect(dev.fetch(get(url), nobody)).rejects.toMatchObject(failure('refused'))
  })

  it('refuses plain http to a host that a setting names, unless it is this machine', async () => {
    const policy = { allowHosts: ['10.0.0.1', 'idp.example'] }
    await expect(dev.fetch(get('http://10.0.0.1/'), policy)).rejects.toMatchObject(failure('refused'))
    await expect(dev.fetch(get('http://idp.example/'), policy)).rejects.toMatchObject(failure('refused'))
  })

  it('refuses names that resolve to this machine, also when plain http to it is possible', async () => {
    const port = await serve((_, response) => response.end('ok'))
    const http = createNodeHttp({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
    const outbound = createOutbound(http, { insecureLoopback: true })
    const asked = outbound.fetch(get(`https://idp.example:${port}/`), nobody)
    await expect(asked).rejects.toMatchObject(failure('refused'))
  })

  it('never reaches metadata services, even by a host that a setting names', async () => {
    for (const address of ['169.254.169.254', '100.100.100.200', 'fd00:ec2::254']) {
      const http = createNodeHttp({ resolve: async () => [{ address, family: address.includes(':') ? 6 : 4 }] })
      const outbound = createOutbound(http, { insecureLoopback: true })
      const asked = outbound.fetch(get('https://idp.example/'), { allowHosts: ['idp.example'] })
      await expect(asked).rejects.toMatchObject(failure('refused'))
    }
    const policy = { allowHosts: ['169.254.169.254', 'fd00:ec2::254', '[fd00:ec2::254]'] }
    await expect(strict.fetch(get('https://169.254.169.254/'), policy)).rejects.toMatchObject(failure('refused'))
    await expect(strict.fetch(get('https://[fd00:ec2::254]/'), policy)).rejects.toMatchObject(failure('refused'))
  })

  it('lets an address pass that a setting names', async () => {
    const sent: string[] = []
    const outbound = createOutbound(recording(sent), { insecureLoopback: false })
    for (const [host, name] of [
      ['10.0.0.1', '10.0.0.1'],
      ['10.0.0.1:8443', '10.0.0.1:8443'],
      ['10.0.0.1', '10.0.0.1:443'],
      ['[fd12::1]', 'fd12::1'],
      ['[fd12::1]', '[fd12::1]'],
      ['127.0.0.1', '127.0.0.1'],
    ])
      await outbound.fetch(get(`https://${host}/`), { allowHosts: [name ?? ''] })
    expect(sent).toHaveLength(6)
    await expect(outbound.fetch(get('https://10.0.0.1:8443/'), { allowHosts: ['10.0.0.1:443'] })).rejects.toMatchObject(
      failure('refused'),
    )
  })

  it('sends nothing to an address that is not public, whatever the URL', async () => {
    const parts = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
    const host = fc.oneof(
      parts.map((octets) => octets.join('.')),
      fc.nat(0xffffffff).map(String),
      fc.nat(0xffffffff).map((number) => `0x${number.toString(16)}`),
      fc.ipV6().map((address) => `[${address}]`),
      fc.ipV4Extended(),
    )
    await fc.assert(
      fc.asyncProperty(host, fc.constantFrom('http', 'https'), async (name, scheme) => {
        const sent: string[] = []
        const outbound = createOutbound(recording(sent), { insecureLoopback: false })
        await outbound.fetch(get(`${scheme}://${name}/`), nobody).catch(() => undefined)
        for (const url of sent) {
          expect(url).toMatch(/^https:/)
          expect(new URL(url).hostname).not.toMatch(/^(0|10|127|169\.254|192\.168|22[4-9]|2[3-5][0-9])\.|^\[(f|::)/)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

/** A transport that reaches no network and notes what it was asked. */
const recording = (sent: string[], answer: Partial<HttpResponse> = {}): Http => ({
  send: async ({ url }) => {
    sent.push(url)
    return { status: 200, headers: {}, body: new Uint8Array(), ...answer }
  },
})

const redirecting = async (locations: Readonly<Record<string, string>>, status = 302) => {
  const seen: string[] = []
  const port = await serve((request, response) => {
    const path = request.url ?? ''
    seen.push(`${request.method} ${path}`)
    const location = locations[path]
    if (location === undefined) response.end('found')
    else response.writeHead(status, location === '' ? {} : { location }).end()
  })
  return { origin: `http://127.0.0.1:${port}`, seen }
}

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])('follows %i within the origin', async (status) => {
    const { origin, seen } = await redirecting({ '/a': '/b', '/b': 'c' }, status)
    const { body } = await dev.fetch(get(`${origin}/a`), nobody)
    expect(new TextDecoder().decode(body)).toBe('found')
    expect(seen).toEqual(['GET /a', 'GET /b', 'GET /c'])
  })

  it('follows three and no more', async () => {
    const chain = { '/0': '/1', '/1': '/2', '/2': '/3', '/3': '/4' }
    const { origin, seen } = await redirecting(chain)
    expect((await dev.fetch(get(`${origin}/1`), nobody)).status).toBe(200)
    seen.length = 0
    await expect(dev.fetch(get(`${origin}/0`), nobody)).rejects.toMatchObject(failure('redirect'))
    expect(seen).toHaveLength(4)
  })

  it('leaves a loop', async () => {
    const { origin, seen } = await redirecting({ '/a': '/a' })
    await expect(dev.fetch(get(`${origin}/a`), nobody)).rejects.toMatchObject(failure('redirect'))
    expect(seen).toHaveLength(4)
  })

  it('follows none to another origin', async () => {
    const other = await redirecting({})
    const { port } = new URL(other.origin)
    for (const location of [
      other.origin,
      `http://localhost:${port}/`,
      'https://idp.example/',
      '//idp.example/x',
      'file:///etc/passwd',
    ]) {
      const { origin } = await redirecting({ '/a': location })
      await expect(dev.fetch(get(`${origin}/a`), nobody)).rejects.toMatchObject(failure('redirect'))
    }
    expect(other.seen).toEqual([])
  })

  it('refuses one that leads nowhere or carries user information', async () => {
    for (const location of ['', 'http://[', 'http://:80:80/']) {
      const { origin } = await redirecting({ '/a': location })
      await expect(dev.fetch(get(`${origin}/a`), nobody)).rejects.toMatchObject(failure('redirect'))
    }
    const port = await serve((request, response) => {
      response.writeHead(302, { location: `http://user:pass@${request.headers.host}/b` }).end()
    })
    await expect(dev.fetch(get(`http://127.0.0.1:${port}/a`), nobody)).rejects.toMatchObject(failure('refused'))
  })

  it('never sends a POST on', async () => {
    const { origin, seen } = await redirecting({ '/a': '/b' }, 307)
    const request: HttpRequest = { method: 'POST', url: `${origin}/a`, headers: {}, body: 'token=x' }
    await expect(dev.fetch(request, nobody)).rejects.toMatchObject(failure('redirect'))
    expect(seen).toEqual(['POST /a'])
  })

  it('hands back 304 and 300 as they are', async () => {
    for (const status of [300, 304]) {
      const { origin } = await redirecting({ '/a': '/b' }, status)
      expect((await dev.fetch(get(`${origin}/a`), nobody)).status).toBe(status)
    }
  })
})

describe('limits', () => {
  it('says that a peer is too slow', async () => {
    const port = await serve((_, response) => {
      const timer = setInterval(() => response.write(' '), 10)
      response.on('close', () => clearInterval(timer))
    })
    const asked = dev.fetch(get(`http://127.0.0.1:${port}/`), { ...nobody, timeout: 0.2 })
    await expect(asked).rejects.toMatchObject(failure('timeout'))
  })

  it('says that an answer is too long: 256 KiB unless told', async () => {
    const port = await serve((request, response) => {
      response.end(Buffer.alloc(Number(request.url?.slice(1)), 'x'))
    })
    const ask = (bytes: number, policy = nobody) => dev.fetch(get(`http://127.0.0.1:${port}/${bytes}`), policy)
    expect((await ask(262_144)).body.length).toBe(262_144)
    await expect(ask(262_145)).rejects.toMatchObject(failure('too_large'))
    await expect(ask(11, { ...nobody, maxBytes: 10 })).rejects.toMatchObject(failure('too_large'))
  })

  it('does not rely on the transport for the size', async () => {
    const outbound = createOutbound(recording([], { body: new Uint8Array(11) }), { insecureLoopback: false })
    const asked = outbound.fetch(get('https://idp.example/'), { ...nobody, maxBytes: 10 })
    await expect(asked).rejects.toMatchObject(failure('too_large'))
  })

  it('says that a peer cannot be reached', async () => {
    const port = await serve(() => undefined)
    servers.pop()?.close()
    await expect(dev.fetch(get(`http://127.0.0.1:${port}/`), nobody)).rejects.toMatchObject(failure('unreachable'))
    const odd: Http = { send: () => Promise.reject('odd') }
    const asked = createOutbound(odd, { insecureLoopback: false }).fetch(get('https://idp.example/'), nobody)
    await expect(asked).rejects.toMatchObject(failure('unreachable'))
  })

  it('names the host and nothing that was sent', async () => {
    const request: HttpRequest = {
      method: 'POST',
      url: 'https://10.0.0.1/path-canary?query-canary',
      headers: { authorization: 'header-canary' },
      body: 'body-canary',
    }
    const error = await strict.fetch(request, nobody).catch((caught: unknown) => caught)
    expect(String(error)).toContain('10.0.0.1')
    expect(String(error)).not.toContain('canary')
  })
})
