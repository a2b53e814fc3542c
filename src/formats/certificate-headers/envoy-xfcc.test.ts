import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInTime } from '../../../test/world/in-time.ts'
import { FormatError } from '../format-error.ts'
import type { Stated } from './certificate-headers.ts'
import { envoyXfcc } from './envoy-xfcc.ts'

const leaf = Uint8Array.from({ length: 301 }, (_, at) => (at * 251 + 0x3e) & 0xff)
const above = leaf.map((octet) => octet ^ 0xff)

const hash = createHash('sha256').update(leaf).digest('hex')
const thumbprint = createHash('sha256').update(leaf).digest('base64url')
const pem = (der: Uint8Array) => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`)
}

const gateway = 'spiffe://prod.example.org/gateway'
const web = 'spiffe://prod.example.org/web'
const cert = `Cert="${pem(leaf)}"`
const good = `By=${gateway};Hash=${hash};${cert};Subject="CN=web,O=\\"Example\\, Inc\\"";URI=${web};DNS=a.example;DNS=b.example`
const bare = `Hash=${hash};${cert}`
const foreign = `By=spiffe://evil.example/proxy;Hash=${hash};${cert};URI=spiffe://prod.example.org/admin`

const read = (value: string | undefined, settings: object = {}): Stated =>
  envoyXfcc.read((name) => (name === 'x-forwarded-client-cert' ? value : undefined), envoyXfcc.schema.parse(settings))

const hostileRows: readonly (readonly [what: string, value: string, settings?: object])[] = [
  ['an element of the client on the left', `${foreign},${good}`],
  ['an element of the client on the right', `${good},${foreign}`],
  ['two fields', `${good}, ${good}`],
  ['an empty last element', `${good},`],
  ['an empty first element', `,${good}`],
  ['an empty pair', `${bare};;URI=${web}`],
  ['a last semicolon', `${bare};`],
  ['nothing', ''],
  ['JSON', `[{"hash":"${hash}"}]`],
  ['a space', `Hash=${hash}; ${cert}`],
  ['a tab', `Hash=${hash};\t${cert}`],
  ['unterminated quotes', `${bare};Subject="CN=a`],
  ['quotes that a backslash keeps open', `${bare};Subject="CN=a\\"`],
  ['quotes within a value', `${bare};URI=spiffe://a"b"`],
  ['something after the quotes', `${bare};Subject="CN=a"x`],
  ['a key without a value', `${bare};URI`],
  ['a value without a key', `${bare};=${web}`],
  ['a key that nobody knows', `${bare};Issuer="CN=a"`],
  ['no certificate', `By=${gateway};Hash=${hash};URI=${web}`],
  ['an empty certificate', `Hash=${hash};Cert=""`],
  ['no hash', cert],
  ['a hash in base64', `Hash=${thumbprint};${cert}`],
  ['a hash in capitals', `Hash=${hash.toUpperCase()};${cert}`],
  ['a short hash', `Hash=${hash.slice(2)};${cert}`],
  ['two hashes', `Hash=${hash};Hash=${hash};${cert}`],
  ['two certificates', `${bare};${cert}`],
  ['two chains', `Hash=${hash};Chain="${pem(leaf)}";Chain="${pem(leaf)}"`],
  ['two subjects', `${bare};Subject="CN=a";Subject="CN=b"`],
  ['two blocks in Cert', `Hash=${hash};Cert="${pem(leaf)}${pem(above)}"`],
  ['a chain that begins with another', `${bare};Chain="${pem(above)}${pem(leaf)}"`],
  ['six certificates', `Hash=${hash};Chain="${pem(leaf).repeat(6)}"`],
  ['double encoding', `Hash=${hash};Cert="${encodeURIComponent(pem(leaf))}"`],
  ['a plus for a space', `Hash=${hash};Cert="${pem(leaf).replaceAll('%20', '+')}"`],
  ['By of another proxy', foreign, { by: gateway }],
  ['By that is only a prefix', good.replace(gateway, `${gateway}-2`), { by: gateway }],
  ['no By', bare, { by: gateway }],
  ['characters beyond ASCII', `${bare};Subject="CN=é"`],
  ['NUL', `${bare};URI=spiffe://a\0b`],
  ['10,000 elements', Array.from({ length: 10_000 }, () => 'By=a').join(',')],
  ['10,000 pairs', Array.from({ length: 10_000 }, () => 'By=a').join(';')],
  ['1 MB', `${bare};Subject="${'a'.repeat(1_000_000)}"`],
  ['60 kB of backslashes', `${bare};Subject="${'\\'.repeat(60_001)}`],
  ['60 kB of open quotes', `By=${'"'.repeat(60_000)}`],
]

const hostile = hostileRows.map(([what, value, settings]) => ({ what, value, settings }))

describe('x-forwarded-client-cert', () => {
  it('states a certificate, its hash and its names', () => {
    const details = { thumbprint, uris: [web], dnsNames: ['a.example', 'b.example'] }
    expect(read(good)).toEqual({ chain: [leaf], leaf: details })
    expect(read(good, { by: gateway })).toEqual({ chain: [leaf], leaf: details })
  })

  it('states a chain, which holds the leaf', () => {
    const chain = `Chain="${pem(leaf)}${pem(above)}"`
    expect(read(`Hash=${hash};${chain}`)).toEqual({ chain: [leaf, above], leaf: { thumbprint } })
    expect(read(`${bare};${chain}`)).toEqual({ chain: [leaf, above], leaf: { thumbprint } })
  })

  it('is read with keys in any case, and values without quotes', () => {
    expect(read(`HASH=${hash};cErT=${pem(leaf)};uri=`)).toEqual({ chain: [leaf], leaf: { thumbprint, uris: [] } })
  })

  it('counts trusted proxies from the right', () => {
    const ours = `By=${gateway};${bare}`
    expect(read(`${foreign},${ours}`, { trustedHops: 1, by: gateway })).toEqual({ chain: [leaf], leaf: { thumbprint } })
    expect(read(`${foreign},${ours},By=x;Hash=${hash}`, { trustedHops: 2 })).toMatchObject({ leaf: { thumbprint } })
    expect(() => read(ours, { trustedHops: 2 })).toThrow('fewer elements')
    expect(() => read(`${ours},${foreign}`, { trustedHops: 1, by: gateway })).toThrow('By')
  })

  it('is the last that quotes and commas in a subject can confuse', () => {
    for (const subject of ['CN=a\\"', 'CN=a\\\\', `CN=a\\";URI=${gateway};Subject=\\"`, 'CN=a,O=b;c=d'])
      expect(read(`${bare};Subject="${subject}"`)).toEqual({ chain: [leaf], leaf: { thumbprint } })
  })

  it.each(hostile)('is refused with $what', async ({ value, settings }) => {
    expect(await isInTime(() => expect(() => read(value, settings)).toThrow(FormatError))).toBe(true)
  })

  it('is read or refused in time, however it is changed', async () => {
    const change = fc.tuple(fc.nat(good.length), fc.nat(30), fc.string({ unit: 'binary-ascii', maxLength: 20 }))
    await fc.assert(
      fc.asyncProperty(change, fc.boolean(), async ([at, gone, text], hops) => {
        const value = good.slice(0, at) + text + good.slice(at + gone)
        expect(await isInTime(() => readOrRefused(value, hops ? { trustedHops: 1 } : {}))).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

const readOrRefused = (value: string, settings: object): void => {
  try {
    read(value, settings)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(FormatError)
  }
}
