import { describe, expect, it } from 'vitest'
import { testAuthority } from '../../test/world/certificates.ts'
import type { HttpResponse } from '../ports/http.ts'
import { type CrlPlaces, openCrls } from './crls.ts'

const authority = testAuthority('Workloads')
const start = Math.floor(Date.now() / 1_000)
const pem = (der: Uint8Array) =>
  `-----BEGIN X509 CRL-----\n${Buffer.from(der).toString('base64')}\n-----END X509 CRL-----\n`

interface World {
  readonly files?: Readonly<Record<string, Uint8Array>>
  readonly answer?: () => HttpResponse
}

const opened = (places: Partial<CrlPlaces>, { files = {}, answer }: World = {}) => {
  const warnings: string[] = []
  const asked: string[] = []
  const readBytes = async (path: string) => {
    const found = files[path]
    if (found === undefined) throw new Error(`no file ${path}`)
    return found
  }
  const crls = openCrls(
    { files: [], urls: [], allowHosts: [], staleFor: 600, ...places },
    {
      ports: {
        files: { readBytes, read: () => Promise.reject(new Error('not asked for')) },
        log: { info: () => undefined, warn: (message) => warnings.push(message) },
      },
      outbound: {
        fetch: async ({ url }) => {
          asked.push(url)
          if (answer === undefined) throw new Error('nobody is there')
          return answer()
        },
      },
    },
  )
  return { crls, warnings, asked }
}

const answering = (body: Uint8Array, status = 200): HttpResponse => ({ status, headers: {}, body })

describe('revocation lists', () => {
  it('are read from files, in DER and in PEM', async () => {
    const der = authority.crl({ number: 1n })
    const files = { 'a.crl': new Uint8Array(der), 'b.pem': Buffer.from(pem(der) + pem(authority.crl({ number: 2n }))) }
    const { crls } = opened({ files: ['a.crl', 'b.pem'] }, { files })
    expect(crls.state(start)).toBe('missing')
    expect((await crls.current(start)).lists).toHaveLength(3)
    expect(crls.state(start)).toBe('fresh')
  })

  it('are fetched, and again when they are due', async () => {
    const soon = () => answering(authority.crl({ nextUpdate: start + 120 }))
    const { crls, asked } = opened({ urls: ['https://ca.example/list.crl'] }, { answer: soon })
    expect((await crls.current(start)).lists).toHaveLength(1)
    await crls.current(start + 60)
    expect(asked).toHaveLength(1)
    await crls.current(start + 121)
    expect(asked).toHaveLength(2)
  })

  it('count beyond their nextUpdate for as long as the outage budget says, and no longer', async () => {
    let isUp = true
    const answer = () => {
      if (!isUp) throw new Error('down')
      return answering(authority.crl({ nextUpdate: start + 120 }))
    }
    const { crls, warnings } = opened({ urls: ['https://ca.example/list.crl'], staleFor: 600 }, { answer })
    const [list] = (await crls.current(start)).lists
    expect(list?.nextUpdate).toBe(start + 120 + 600)
    isUp = false
    expect((await crls.current(start + 700)).lists).toHaveLength(1)
    expect(crls.state(start + 700)).toBe('stale')
    expect(await crls.current(start + 721)).toEqual({ lists: [], missing: ['https://ca.example/list.crl'] })
    expect(warnings).toContain('a revocation list could not be loaded')
  })

  it.each([
    ['nobody answers', {}],
    ['the place is empty', { answer: () => answering(new Uint8Array(), 404) }],
    ['it is none', { answer: () => answering(Buffer.from('<html>')) }],
    ['it is a certificate', { answer: () => answering(authority.der) }],
    ['it is cut off', { answer: () => answering(new Uint8Array(authority.crl()).subarray(0, 100)) }],
  ])('are missing when %s, which is no verdict', async (_, world) => {
    const { crls } = opened({ urls: ['https://ca.example/list.crl'] }, world)
    expect(await crls.current(start)).toEqual({ lists: [], missing: ['https://ca.example/list.crl'] })
    await crls.prefetch(start)
    expect(crls.state(start)).toBe('missing')
  })

  it('count each by itself: one that is missing or overdue leaves the others', async () => {
    const files = {
      'good.crl': new Uint8Array(authority.crl({ number: 1n })),
      'two.pem': Buffer.from(pem(authority.crl({ number: 2n })) + pem(authority.crl({ nextUpdate: start + 10 }))),
    }
    const places = { files: ['good.crl', 'gone.crl', 'two.pem'], staleFor: 0 }
    const { crls } = opened(places, { files })
    const before = await crls.current(start)
    expect([before.lists.length, before.missing]).toEqual([3, ['gone.crl']])
    const after = await crls.current(start + 11)
    expect([after.lists.length, after.missing]).toEqual([2, ['gone.crl', 'two.pem']])
  })

  it('are missing when their file is', async () => {
    const { crls } = opened({ files: ['gone.crl'] })
    expect(await crls.current(start)).toEqual({ lists: [], missing: ['gone.crl'] })
  })
})
