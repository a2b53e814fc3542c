import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { testCertificate } from '../../test/world/certificates.ts'
import { entityId, metadataOf, metadataURL, samlPublisher, whichOf } from '../../test/world/saml-publisher.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'

const first = testCertificate({ subject: 'first' })
const second = testCertificate({ subject: 'second' })
const weak = testCertificate({ subject: 'weak', key: 'RSA-1024' })
const names = whichOf(first, second)
const unavailable = { name: 'Refusal', reason: 'keys.unavailable' }

const publishing = (body: string, headers: Readonly<Record<string, string>> = { 'cache-control': 'max-age=7200' }) => {
  const publisher = samlPublisher()
  publisher.answers.set(metadataURL, { body, headers })
  return publisher
}

describe('keys from metadata at a URL', () => {
  it('are fetched when they are asked for, not when they are opened', async () => {
    const { open, asked } = publishing(metadataOf([first]))
    const keys = await open()
    expect(asked).toEqual([])
    expect(keys.state(0)).toBe('missing')
    await keys.prefetch(0)
    expect(keys.state(0)).toBe('fresh')
    expect(await keys.current(1)).toMatchObject({ stale: false, justLoaded: false })
    expect(await names(keys.current(1))).toEqual([0])
    expect(asked).toEqual([
      {
        method: 'GET',
        url: metadataURL,
        headers: { accept: 'application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1' },
      },
    ])
  })

  it('are two while one takes the place of the other, and stay the objects that they were', async () => {
    const { open, answers } = publishing(metadataOf([first]))
    const keys = await open()
    const [before] = (await keys.current(0)).keys
    answers.set(metadataURL, { body: metadataOf([second, first]) })
    expect(await names(keys.current(7_200))).toEqual([1, 0])
    const [newer, after] = (await keys.current(7_200)).keys
    expect(after).toBe(before)
    answers.set(metadataURL, { body: metadataOf([second]) })
    expect(await names(keys.current(7_800))).toEqual([1])
    expect((await keys.current(7_800)).keys[0]).toBe(newer)
  })

  it('are fetched again for a signature that no known key has made, once a cooldown', async () => {
    const { open, answers, asked } = publishing(metadataOf([first]))
    const keys = await open()
    await keys.current(0)
    answers.set(metadataURL, { body: metadataOf([first, second]) })
    expect(await names(keys.current(10))).toEqual([0])
    const renewed = await Promise.all([keys.renewed(10), keys.renewed(10)])
    expect(renewed).toMatchObject([{ justLoaded: true }, { justLoaded: true }])
    expect(await names(keys.renewed(11))).toEqual([0, 1])
    expect(asked).toHaveLength(2)
    await keys.renewed(39)
    expect(asked).toHaveLength(2)
    await keys.renewed(40)
    expect(asked).toHaveLength(3)
  })

  it('stay in use when they cannot be fetched again', async () => {
    const { open, answers } = publishing(metadataOf([first]))
    const keys = await open()
    await keys.current(0)
    answers.delete(metadataURL)
    expect(await names(keys.renewed(10))).toEqual([0])
    expect(await keys.renewed(10)).toMatchObject({ stale: false })
  })

  it('outlast an outage by the budget and no longer', async () => {
    const { open, answers, logged } = publishing(metadataOf([first]), { 'cache-control': 'max-age=600' })
    const keys = await open()
    await keys.current(0)
    answers.delete(metadataURL)
    expect(await keys.current(599)).toMatchObject({ stale: false })
    expect(await keys.current(3_599)).toMatchObject({ stale: true })
    expect(await names(keys.current(3_599))).toEqual([0])
    expect(keys.state(3_599)).toBe('stale')
    expect(logged.at(-1)).toBe(
      `SAML metadata could not be loaded ${JSON.stringify({ entityID: entityId, source: metadataURL, error: 'idp.example.com cannot be reached: down', keys: 'stale' })}`,
    )
    await expect(keys.current(3_600)).rejects.toMatchObject(unavailable)
    await expect(keys.renewed(3_600)).rejects.toMatchObject(unavailable)
    answers.set(metadataURL, { body: metadataOf([second]) })
    expect(await names(keys.current(3_700))).toEqual([1])
  })

  it('are refused when they were never there', async () => {
    const keys = await samlPublisher().open()
    await expect(keys.current(0)).rejects.toMatchObject(unavailable)
    await expect(keys.renewed(0)).rejects.toMatchObject(unavailable)
    await expect(keys.prefetch(0)).resolves.toBeUndefined()
  })

  it('are those that can be used; how many cannot is said', async () => {
    const { open, logged } = publishing(metadataOf([weak, first]))
    expect(await names((await open()).current(0))).toEqual([0])
    expect(logged).toEqual([`keys of SAML metadata cannot be used {"entityID":"${entityId}","keys":1}`])
  })
})

describe('metadata is fresh', () => {
  const hour = { 'cache-control': 'max-age=3600' }
  it.each([
    ['as long as HTTP says', {}, hour, 3_600],
    ['ten minutes when nothing says anything', {}, {}, 600],
    ['as long as it says itself when that is shorter', { cacheDuration: 'PT5M' }, hour, 300],
    ['as long as its role says', { roleCacheDuration: 'PT5M' }, hour, 300],
    ['as long as HTTP says when that is shorter', { cacheDuration: 'P7D' }, hour, 3_600],
    ['a day at most', { cacheDuration: 'P7D' }, { 'cache-control': 'max-age=9999999' }, 86_400],
    ['a minute at least', { cacheDuration: 'PT0S' }, hour, 60],
    ['until it expires', { validUntil: 120 }, hour, 120],
  ])('%s', async (_, options, headers, seconds) => {
    const { open, asked, answers } = publishing(metadataOf([first], options), headers)
    const keys = await open()
    await keys.current(0)
    answers.set(metadataURL, { body: metadataOf([second]) })
    expect(keys.state(seconds - 1)).toBe('fresh')
    expect(keys.state(seconds)).not.toBe('fresh')
    expect(await names(keys.current(seconds * 0.79))).toEqual([0])
    expect(asked).toHaveLength(1)
    expect(await names(keys.current(seconds))).toEqual([1])
  })
})

describe('metadata past its validUntil', () => {
  it('is never used, not even in an outage', async () => {
    const { open, answers } = publishing(metadataOf([first], { validUntil: 1_000 }))
    const keys = await open()
    await keys.current(0)
    answers.delete(metadataURL)
    expect(await names(keys.current(999))).toEqual([0])
    expect(keys.state(999)).toBe('fresh')
    await expect(keys.current(1_000)).rejects.toMatchObject(unavailable)
    await expect(keys.renewed(1_001)).rejects.toMatchObject(unavailable)
    expect(keys.state(1_001)).toBe('missing')
  })

  it('is fetched again, also when it counts as fresh', async () => {
    const { open, answers, asked } = publishing(metadataOf([first], { validUntil: 5 }))
    const keys = await open()
    expect(await names(keys.current(0))).toEqual([0])
    expect(keys.state(5)).toBe('missing')
    answers.set(metadataURL, { body: metadataOf([second], { validUntil: 1_000 }) })
    expect(await names(keys.current(6))).toEqual([1])
    expect(keys.state(6)).toBe('fresh')
    expect(asked).toHaveLength(2)
  })

  it('is renewed ahead of it', async () => {
    const { open, answers } = publishing(metadataOf([first], { validUntil: 1_000 }))
    const keys = await open()
    await keys.current(0)
    answers.set(metadataURL, { body: metadataOf([second]) })
    expect(await names(keys.current(799))).toEqual([0])
    await keys.current(800)
    await new Promise(setImmediate)
    expect(await names(keys.current(801))).toEqual([1])
  })

  it('is not fetched again and again', async () => {
    const { open, asked } = publishing(metadataOf([first], { roleValidUntil: 5 }))
    const keys = await open()
    await keys.current(0)
    for (const now of [5, 6, 7, 8, 34]) await expect(keys.current(now)).rejects.toMatchObject(unavailable)
    expect(asked).toHaveLength(2)
    await expect(keys.current(35)).rejects.toMatchObject(unavailable)
    expect(asked).toHaveLength(3)
  })

  it('does not take the place of what is known', async () => {
    const { open, answers, logged } = publishing(metadataOf([first]))
    const keys = await open()
    await keys.current(0)
    answers.set(metadataURL, { body: metadataOf([second], { validUntil: 9 }) })
    expect(await names(keys.renewed(10))).toEqual([0])
    expect(logged.join()).toContain('the metadata is past its validUntil')
  })

  it('is no use to begin with', async () => {
    const { open } = publishing(metadataOf([first], { validUntil: -1 }))
    await expect((await open()).current(0)).rejects.toMatchObject(unavailable)
  })
})

describe('metadata that is opened again', () => {
  const opened = async (publisher: ReturnType<typeof publishing>, ...more: Parameters<typeof publisher.open>) => {
    const keys = await publisher.open(...more)
    await keys.current(0)
    return keys
  }

  it('costs no fetch and forgets nothing', async () => {
    const publisher = publishing(metadataOf([first]))
    const keys = await opened(publisher, { allowHosts: ['a', 'b'] })
    const again = await opened(publisher, { allowHosts: ['b', 'a'] })
    expect(publisher.asked).toHaveLength(1)
    expect((await again.current(1)).keys).toBe((await keys.current(1)).keys)
  })

  it.each([
    ['another entity', { entityID: 'https://idp2.example.com' }],
    ['another place', { place: { metadataURL: 'https://idp.example.com/other' } }],
    ['another budget', { staleKeys: 60 }],
    ['other hosts', { allowHosts: ['b'] }],
    ['a signature', { metadataCertificates: ['federation.pem'] }],
  ])('is another one for %s', async (_, other) => {
    const publisher = publishing(metadataOf([first]))
    publisher.files.set('federation.pem', second.pem)
    const keys = await opened(publisher)
    const different = await publisher.open(other)
    expect(different.state(0)).toBe('missing')
    expect(keys.state(0)).toBe('fresh')
  })
})

describe('what a publisher may answer', () => {
  const good = metadataOf([first])
  it.each([
    [
      'metadata of another entity',
      { body: metadataOf([second], { entityId: 'https://idp2.example.com' }) },
      'not about the entity',
    ],
    ['a page to sign in', { body: '<html>Sign in</html>' }, 'not SAML metadata'],
    ['nothing', { body: '' }, 'the XML'],
    ['a DOCTYPE', { body: `<!DOCTYPE a>${good}` }, 'DOCTYPE'],
    ['no usable key', { body: metadataOf([weak]) }, 'no key that can be used'],
    ['other than UTF-8', { body: Uint8Array.from([...new TextEncoder().encode(good), 0xff]) }, 'not UTF-8'],
    ['UTF-16', { body: Uint8Array.from(Buffer.from(`\uFEFF${good}`, 'utf16le')) }, 'not UTF-8'],
    ['more than 4 MiB', { body: good + ' '.repeat(4_194_304) }, 'answers too much'],
    ['an error with good metadata', { status: 500, body: good }, 'answers with status 500'],
    ['a partial answer', { status: 206, body: good }, 'answers with status 206'],
    [
      'a redirect elsewhere',
      { status: 302, headers: { location: 'https://evil.example/' } },
      'redirects to another origin',
    ],
    [
      'a redirect to plain http',
      { status: 302, headers: { location: 'http://idp.example.com/' } },
      'redirects to another origin',
    ],
    ['a redirect to itself', { status: 302, headers: { location: metadataURL } }, 'redirects too often'],
  ])('is not %s', async (_, answer, why) => {
    const { open, answers, logged } = publishing(good)
    const keys = await open()
    await keys.current(0)
    answers.set(metadataURL, answer)
    expect(await names(keys.renewed(10))).toEqual([0])
    expect(logged.at(-1)).toContain(why)
    const cold = await open({ staleKeys: 61 })
    await expect(cold.current(0)).rejects.toMatchObject(unavailable)
  })

  it('is heard at public addresses only, unless the host is named', async () => {
    const { open, answers, logged } = samlPublisher()
    answers.set(metadataURL, ({ mayConnect }) => {
      if (!mayConnect('10.0.0.1')) throw new Error('refused')
      return { body: good }
    })
    await expect((await open()).current(0)).rejects.toMatchObject(unavailable)
    expect(logged.at(-1)).toContain('name it in allowHosts')
    expect(await names((await open({ allowHosts: ['idp.example.com'] })).current(0))).toEqual([0])
    const inner = await open({ place: { metadataURL: 'https://169.254.169.254/' }, allowHosts: ['169.254.169.254'] })
    await expect(inner.current(0)).rejects.toMatchObject(unavailable)
  })

  it('must come within ten seconds and 4 MiB', async () => {
    const { open, answers } = samlPublisher()
    const seen: unknown[] = []
    answers.set(metadataURL, ({ timeout, maxBytes }) => {
      seen.push({ timeout, maxBytes })
      return { body: good }
    })
    await (await open()).current(0)
    expect(seen).toEqual([{ timeout: 10, maxBytes: 4_194_304 }])
  })
})

describe('a publisher on this machine', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close()
      server.closeAllConnections()
    }
  })

  const serve = async (answer: (path: string, response: ServerResponse) => void): Promise<string> => {
    const server = createServer((request, response) => answer(request.url ?? '', response)).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    return `http://127.0.0.1:${address.port}`
  }

  it('is read over real HTTP, byte order mark, redirect and all', async () => {
    const origin = await serve((path, response) =>
      path === '/metadata'
        ? response
            .writeHead(200, { 'content-type': 'text/xml' })
            .end(`\uFEFF<?xml version="1.0"?>${metadataOf([first])}`)
        : response.writeHead(302, { location: '/metadata' }).end(),
    )
    const keys = await samlPublisher(createNodeHttp()).open({ place: { metadataURL: `${origin}/` } })
    expect(await names(keys.current(0))).toEqual([0])
  })

  it('is given up when it sends without end', async () => {
    const origin = await serve((_, response) => {
      const more = () => {
        while (response.write(' '.repeat(65_536)));
        response.once('drain', more)
      }
      more()
    })
    const publisher = samlPublisher(createNodeHttp())
    const keys = await publisher.open({ place: { metadataURL: `${origin}/` } })
    await expect(keys.current(0)).rejects.toMatchObject(unavailable)
    expect(publisher.logged.at(-1)).toContain('answers too much')
  })
})
