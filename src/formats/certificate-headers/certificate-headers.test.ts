import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInTime } from '../../../test/world/in-time.ts'
import { certificateHeaders } from '../../catalog.ts'
import { FormatError } from '../format-error.ts'
import type { Stated } from './certificate-headers.ts'

/** The dialects do not look into certificates, so any bytes will do. These hold `+`, `/` and `=` in base64. */
const leaf = Uint8Array.from({ length: 301 }, (_, at) => (at === 300 ? 0 : (at * 251 + 0x3e) & 0xff))
const above = leaf.map((octet) => octet ^ 0xff)

const base64 = (der: Uint8Array) => Buffer.from(der).toString('base64')
const pem = (der: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${(base64(der).match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`
const spaced = (der: Uint8Array) => pem(der).trim().replaceAll('\n', ' ')
/** As nginx and Envoy write it, and as AWS does. */
const escaped = (text: string) => encodeURIComponent(text)
const awsEscaped = (text: string) =>
  encodeURIComponent(text).replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')

type Fields = Readonly<Record<string, string>>

const read = (kind: string, fields: Fields, settings: object = {}): Stated => {
  const dialect = certificateHeaders.find((one) => one.kind === kind)
  if (dialect === undefined) throw new Error(`no dialect ${kind}`)
  return dialect.read((name) => fields[name], dialect.schema.parse(settings))
}

const alone = { chain: [leaf] }
const both = { chain: [leaf, above] }

/** What a gateway sends, what it means, and the settings if they are not the usual ones. */
const goodRows: readonly (readonly [
  kind: string,
  what: string,
  fields: Fields,
  stated: Stated | object,
  settings?: object,
])[] = [
  ['rfc9440', 'a leaf', { 'client-cert': `:${base64(leaf)}:` }, alone],
  [
    'rfc9440',
    'a leaf and what is above it',
    { 'client-cert': `:${base64(leaf)}:`, 'client-cert-chain': `:${base64(above)}:` },
    both,
  ],
  [
    'rfc9440',
    'other names',
    { a: `:${base64(leaf)}:`, b: `:${base64(above)}:` },
    both,
    { header: 'A', chainHeader: 'B' },
  ],
  ['cloudflare', 'a leaf', { 'client-cert': `:${base64(leaf)}:`, 'client-cert-chain': '' }, alone],
  ['cloudflare', 'nothing', { 'client-cert': '', 'client-cert-chain': '' }, 'none'],
  [
    'gcp-lb',
    'a chain',
    { 'x-client-cert-leaf': `:${base64(leaf)}:`, 'x-client-cert-chain': `:${base64(above)}:` },
    both,
  ],
  ['gcp-lb', 'a verified leaf', { 'x-client-cert-leaf': `:${base64(leaf)}:`, v: 'true' }, alone, { verifyHeader: 'v' }],
  [
    'gcp-lb',
    'a leaf that is not verified',
    { 'x-client-cert-leaf': `:${base64(leaf)}:`, v: 'false' },
    'unverified',
    { verifyHeader: 'v' },
  ],
  ['nginx', 'a leaf', { 'ssl-client-cert': escaped(pem(leaf)), 'ssl-client-verify': 'SUCCESS' }, alone],
  [
    'nginx',
    'a slash as it is',
    { 'ssl-client-cert': escaped(pem(leaf)).replaceAll('%2F', '/'), 'ssl-client-verify': 'SUCCESS' },
    alone,
  ],
  ['nginx', 'no certificate', { 'ssl-client-verify': 'NONE' }, 'none'],
  [
    'nginx',
    'a failure',
    { 'ssl-client-cert': escaped(pem(leaf)), 'ssl-client-verify': 'FAILED:self signed certificate' },
    'unverified',
  ],
  [
    'nginx',
    'NONE and a certificate',
    { 'ssl-client-cert': escaped(pem(leaf)), 'ssl-client-verify': 'NONE' },
    'unverified',
  ],
  ['nginx', 'a certificate and no verdict', { 'ssl-client-cert': escaped(pem(leaf)) }, 'unverified'],
  [
    'nginx',
    'two verdicts',
    { 'ssl-client-cert': escaped(pem(leaf)), 'ssl-client-verify': 'SUCCESS, SUCCESS' },
    'unverified',
  ],
  [
    'nginx',
    'success in small letters',
    { 'ssl-client-cert': escaped(pem(leaf)), 'ssl-client-verify': 'success' },
    'unverified',
  ],
  ['traefik', 'a leaf', { 'x-forwarded-tls-client-cert': base64(leaf) }, alone],
  ['traefik', 'a chain', { 'x-forwarded-tls-client-cert': `${base64(leaf)},${base64(above)}` }, both],
  ['haproxy', 'base64', { 'x-ssl-client-cert': base64(leaf) }, alone],
  ['haproxy', 'base64 between colons', { 'x-ssl-client-cert': `:${base64(leaf)}:` }, alone],
  ['haproxy', 'nothing', { 'x-ssl-client-cert': '' }, 'none'],
  ['haproxy', 'a verified leaf', { 'x-ssl-client-cert': base64(leaf), v: '0' }, alone, { verifyHeader: 'v' }],
  [
    'haproxy',
    'a leaf with an error',
    { 'x-ssl-client-cert': base64(leaf), v: '21' },
    'unverified',
    { verifyHeader: 'v' },
  ],
  ['haproxy', 'a leaf without the verdict', { 'x-ssl-client-cert': base64(leaf) }, 'unverified', { verifyHeader: 'v' }],
  ['apache', 'a leaf', { 'ssl-client-cert': spaced(leaf) }, alone],
  ['apache', 'a leaf and a last break', { 'ssl-client-cert': `${spaced(leaf)} ` }, alone],
  ['apache', 'an unset variable', { 'ssl-client-cert': '(null)' }, 'none'],
  ['apache', 'a failure', { 'ssl-client-cert': spaced(leaf), v: 'GENEROUS' }, 'unverified', { verifyHeader: 'v' }],
  ['aws-alb', 'a leaf', { 'x-amzn-mtls-clientcert-leaf': awsEscaped(pem(leaf)) }, alone],
  [
    'aws-alb',
    'a chain',
    { 'x-amzn-mtls-clientcert': awsEscaped(pem(leaf) + pem(above)) },
    both,
    { mode: 'passthrough' },
  ],
  ['azure-appgw', 'a leaf', { 'x-client-cert': escaped(pem(leaf)) }, alone],
  ['azure-appgw', 'a leaf with spaces', { 'x-client-cert': spaced(leaf) }, alone, { encoding: 'spaces' }],
  [
    'azure-appgw',
    'a failure',
    { 'x-client-cert': escaped(pem(leaf)), v: 'FAILED:x' },
    'unverified',
    { verifyHeader: 'v' },
  ],
  ['azure-arr', 'a leaf', { 'x-arr-clientcert': base64(leaf) }, alone],
]

const good = goodRows.map(([kind, what, fields, stated, settings]) => ({ kind, what, fields, stated, settings }))

/** Base64 whose last character has bits set that carry nothing. */
const withUnusedBits = base64(leaf).replace('A==', 'B==')

const rfc9440 = (value: string, chain?: string): Fields => ({
  'client-cert': value,
  ...(chain === undefined ? {} : { 'client-cert-chain': chain }),
})
const nginx = (value: string): Fields => ({ 'ssl-client-cert': value, 'ssl-client-verify': 'SUCCESS' })
const alb = (value: string): Fields => ({ 'x-amzn-mtls-clientcert-leaf': value })
const traefik = (value: string): Fields => ({ 'x-forwarded-tls-client-cert': value })
const apache = (value: string): Fields => ({ 'ssl-client-cert': value })
const ok = `:${base64(leaf)}:`

const hostile: readonly (readonly [kind: string, what: string, fields: Fields])[] = [
  ['rfc9440', 'two fields', rfc9440(`${ok}, ${ok}`)],
  ['rfc9440', 'a list in one field', rfc9440(`${ok},${ok}`)],
  ['rfc9440', 'PEM', rfc9440(spaced(leaf))],
  ['rfc9440', 'a string', rfc9440(`"${base64(leaf)}"`)],
  ['rfc9440', 'a token', rfc9440('abc')],
  ['rfc9440', 'an inner list', rfc9440(`(${ok})`)],
  ['rfc9440', 'base64 without colons', rfc9440(base64(leaf))],
  ['rfc9440', 'one colon', rfc9440(ok.slice(0, -1))],
  ['rfc9440', 'parameters', rfc9440(`${ok};a=1`)],
  ['rfc9440', 'no bytes', rfc9440('::')],
  ['rfc9440', 'an empty field', rfc9440('')],
  ['rfc9440', 'no padding', rfc9440(ok.replaceAll('=', ''))],
  ['rfc9440', 'unused bits', rfc9440(`:${withUnusedBits}:`)],
  ['rfc9440', 'the other alphabet', rfc9440(ok.replaceAll('+', '-').replaceAll('/', '_'))],
  ['rfc9440', 'a space within', rfc9440(`${ok.slice(0, 20)} ${ok.slice(20)}`)],
  ['rfc9440', 'a chain without a leaf', { 'client-cert-chain': ok }],
  ['rfc9440', 'an empty chain', rfc9440(ok, '')],
  ['rfc9440', 'a chain with parameters', rfc9440(ok, `${ok};a`)],
  ['rfc9440', 'a chain that ends in a comma', rfc9440(ok, `${ok},`)],
  ['rfc9440', 'a string in the chain', rfc9440(ok, `${ok}, "${base64(above)}"`)],
  ['rfc9440', '500 certificates', rfc9440(ok, Array.from({ length: 500 }, () => ':MAA=:').join(', '))],
  ['rfc9440', 'a leaf of 17 kB', rfc9440(`:${'A'.repeat(17_000)}:`)],
  ['rfc9440', 'a chain of 1 MB', rfc9440(ok, `:${'A'.repeat(1_000_000)}:`)],
  ['cloudflare', 'a chain without a leaf', { 'client-cert': '', 'client-cert-chain': ok }],
  ['gcp-lb', 'a list', { 'x-client-cert-leaf': `${ok}, ${ok}` }],
  ['nginx', 'two fields', nginx(`${escaped(pem(leaf))}, ${escaped(pem(leaf))}`)],
  ['nginx', 'two blocks', nginx(escaped(pem(leaf) + pem(leaf)))],
  ['nginx', 'double encoding', nginx(escaped(escaped(pem(leaf))))],
  ['nginx', 'a plus for a space', nginx(escaped(pem(leaf)).replaceAll('%20', '+'))],
  ['nginx', 'spaces', nginx(spaced(leaf))],
  ['nginx', 'text before', nginx(escaped(`subject=/CN=admin\n${pem(leaf)}`))],
  ['nginx', 'text after', nginx(escaped(`${pem(leaf)}admin`))],
  ['nginx', 'an empty line after', nginx(escaped(`${pem(leaf)}\n`))],
  ['nginx', 'an empty line within', nginx(escaped(pem(leaf).replace('\n', '\n\n')))],
  ['nginx', 'CRLF', nginx(escaped(pem(leaf).replaceAll('\n', '\r\n')))],
  ['nginx', 'NUL', nginx(escaped(`${pem(leaf)}\0`))],
  ['nginx', 'a header within the block', nginx(escaped(pem(leaf).replace('\n', '\nProc-Type: 4,ENCRYPTED\n')))],
  ['nginx', 'a private key', nginx(escaped(pem(leaf).replaceAll('CERTIFICATE', 'PRIVATE KEY')))],
  [
    'nginx',
    'a trusted certificate of OpenSSL',
    nginx(escaped(pem(leaf).replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'))),
  ],
  ['nginx', 'no end', nginx(escaped(pem(leaf).replace(/-----END.*\n/, '')))],
  ['nginx', 'no begin', nginx(escaped(pem(leaf).replace(/-----BEGIN.*\n/, '')))],
  ['nginx', 'an end without a body', nginx(escaped('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'))],
  ['nginx', 'unused bits', nginx(escaped(pem(leaf).replace('A==', 'B==')))],
  ['nginx', 'broken percent-encoding', nginx(`${escaped(pem(leaf))}%0`)],
  ['nginx', 'UTF-8', nginx(escaped(`${pem(leaf)}é`))],
  ['nginx', 'an empty field', nginx('')],
  ['nginx', '1 MB', nginx('A'.repeat(1_000_000))],
  ['nginx', 'SUCCESS and no certificate', { 'ssl-client-verify': 'SUCCESS' }],
  ['nginx', 'a failure and no certificate', { 'ssl-client-verify': 'FAILED:x' }],
  ['traefik', 'two fields', traefik(`${base64(leaf)}, ${base64(leaf)}`)],
  ['traefik', 'an empty element', traefik(`${base64(leaf)},`)],
  ['traefik', 'percent-encoding', traefik(encodeURIComponent(base64(leaf)))],
  ['traefik', 'PEM', traefik(spaced(leaf))],
  ['traefik', '10,000 elements', traefik(Array.from({ length: 10_000 }, () => 'MAA=').join(','))],
  ['traefik', 'nothing', traefik('')],
  ['haproxy', 'one colon', { 'x-ssl-client-cert': `:${base64(leaf)}` }],
  ['haproxy', 'two fields', { 'x-ssl-client-cert': `${base64(leaf)}, ${base64(leaf)}` }],
  ['apache', 'two blocks', apache(`${spaced(leaf)} ${spaced(leaf)}`)],
  ['apache', 'two fields', apache(`${spaced(leaf)}, ${spaced(leaf)}`)],
  ['apache', 'two spaces', apache(spaced(leaf).replace('----- ', '-----  '))],
  ['apache', 'percent-encoding', apache(escaped(pem(leaf)))],
  ['aws-alb', 'form encoding', alb(escaped(pem(leaf)).replaceAll('%20', '+'))],
  ['aws-alb', 'a chain where it verifies', alb(awsEscaped(pem(leaf) + pem(above)))],
  ['aws-alb', 'double encoding', alb(escaped(awsEscaped(pem(leaf))))],
  ['aws-alb', 'spaces', alb(spaced(leaf))],
  ['azure-appgw', 'two blocks', { 'x-client-cert': escaped(pem(leaf) + pem(leaf)) }],
  ['azure-arr', 'two fields', { 'x-arr-clientcert': `${base64(leaf)}, ${base64(leaf)}` }],
  ['azure-arr', 'PEM', { 'x-arr-clientcert': spaced(leaf) }],
]

describe('certificate headers', () => {
  it('are in the catalog under the names of their files', () => {
    const shared = [
      'certificate-headers',
      'cloudflare-tls',
      'header-pem',
      'percent-encoding',
      'rfc9440-fields',
      'xfcc-elements',
    ]
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    const dialects = files.map((file) => file.replace('.ts', '')).filter((name) => !shared.includes(name))
    expect(certificateHeaders.map(({ kind }) => kind).toSorted()).toEqual(dialects.toSorted())
  })

  it.each(certificateHeaders.map(({ kind }) => kind))('say nothing where there is none: %s', (kind) => {
    expect(read(kind, {})).toBe('none')
  })

  it.each(good)('of $kind: $what', ({ kind, fields, stated, settings }) => {
    expect(read(kind, fields, settings)).toEqual(stated)
  })

  it.each(hostile)('of %s are refused: %s', async (kind, _, fields) => {
    expect(await isInTime(() => expect(() => read(kind, fields)).toThrow(FormatError))).toBe(true)
  })

  it.each([...new Set(good.map(({ kind }) => kind))])(
    'of %s, changed at will, are read or refused in time',
    async (kind) => {
      const seeds = good.filter((one) => one.kind === kind)
      const changed = fc
        .tuple(fc.constantFrom(...seeds), fc.nat(2_000), fc.nat(40), fc.string({ unit: 'binary-ascii', maxLength: 12 }))
        .map(([{ fields, settings }, at, gone, text]) => ({
          settings,
          fields: Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [name, value.slice(0, at) + text + value.slice(at + gone)]),
          ),
        }))
      await fc.assert(
        fc.asyncProperty(changed, async ({ fields, settings }) => {
          expect(await isInTime(() => expectReadOrRefused(() => read(kind, fields, settings)))).toBe(true)
        }),
        { numRuns: 500 },
      )
    },
  )

  it.each(certificateHeaders.map(({ kind }) => kind))('of %s may be anything at all', (kind) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (value) => {
        expectReadOrRefused(() => read(kind, everywhere(value)))
      }),
      { numRuns: 200 },
    )
  })
})

/** The same value whichever field is asked for. */
const everywhere = (value: string): Fields => new Proxy<Record<string, string>>({}, { get: () => value })

const expectReadOrRefused = (attempt: () => Stated): void => {
  try {
    const stated = attempt()
    if (typeof stated !== 'string') expect(stated.chain.length).toBeGreaterThan(0)
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(FormatError)
  }
}
