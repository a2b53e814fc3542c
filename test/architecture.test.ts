import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { authenticators, certificateHeaders, dialects, verifiers } from '../src/catalog.ts'

/** The law of the house (docs/architecture.md), kept by a test and not by reviewers. */

const root = resolve(import.meta.dirname, '../src')

const floors: Readonly<Record<string, number>> = {
  domain: 0,
  ports: 1,
  formats: 2,
  sources: 3,
  expressions: 3,
  authenticate: 4,
  verify: 4,
  map: 4,
  grant: 4,
  mint: 4,
  obtain: 4,
  gateways: 4,
  stores: 4,
  'catalog.ts': 5,
  'trust.ts': 6,
  'desk.ts': 6.5,
  'appraise.ts': 6.8,
  'egress-destination.ts': 6.8,
  'egress-grant.ts': 6.9,
  'egress-exchange.ts': 6.95,
  'egress.ts': 7,
  'authorize.ts': 7,
  'dragoman.ts': 7,
  'introspect.ts': 7,
  'rehearse.ts': 7,
  http: 8,
  runtimes: 9,
  cli: 10,
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.replaceAll('\\', '/'))

const text = (file: string) => readFileSync(join(root, file), 'utf8')
const room = (file: string) => file.split('/')[0] ?? file
const floor = (file: string) => floors[room(file)] ?? Number.NaN

const importsOf = (file: string): readonly string[] =>
  [...text(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    relative(root, resolve(root, dirname(file), path)),
  )

const edges = files.flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))

describe('the house', () => {
  it('gives every file a floor', () => {
    expect(files.filter((file) => Number.isNaN(floor(file)))).toEqual([])
  })

  it('lets a file import its own room or a lower floor only', () => {
    const wrong = edges.filter(({ file, imported }) => room(file) !== room(imported) && floor(imported) >= floor(file))
    expect(wrong).toEqual([])
  })

  it('has no cycle of imports, of values or of types', () => {
    const cycleFrom = (file: string, trail: readonly string[]): readonly string[] | undefined => {
      if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file]
      if (settled.has(file)) return undefined
      for (const next of importsOf(file)) {
        const cycle = cycleFrom(next, [...trail, file])
        if (cycle !== undefined) return cycle
      }
      settled.add(file)
      return undefined
    }
    const settled = new Set<string>()
    expect(files.map((file) => cycleFrom(file, [])).filter((cycle) => cycle !== undefined)).toEqual([])
  })

  it('has no barrel, no drawer for odds and ends, nothing silenced and nothing put off', () => {
    expect(files.filter((file) => /(^|\/)(index\.ts|helpers?\/|utils?\/|common\/)/.test(file))).toEqual([])
    const silenced = /@ts-(ignore|expect-error|nocheck)|biome-ignore|oxlint-disable|eslint-disable|\b(TODO|FIXME|XXX)\b/
    expect(files.filter((file) => silenced.test(text(file)))).toEqual([])
  })

  it('names a platform in runtimes and cli only', () => {
    const platform = /from 'node:|\bprocess\.|\bBuffer\b|\bDeno\b|\bBun\b|@hono\/node-server/
    const allowed = new Set(['runtimes', 'cli'])
    expect(files.filter((file) => !allowed.has(room(file)) && platform.test(code(file)))).toEqual([])
  })

  it('asks for the time and sends requests through the ports only', () => {
    const direct = /\bDate\.now\b|new Date\(\)|performance\.now|[^.\w]fetch\(|Math\.random/
    const allowed = new Set(['runtimes', 'cli'])
    expect(files.filter((file) => !allowed.has(room(file)) && direct.test(code(file)))).toEqual([])
  })

  it('lists every kind in the catalog under the name of its file', () => {
    const kinds = (of: readonly { readonly kind: string }[]) => of.map(({ kind }) => kind)
    for (const kind of kinds(verifiers)) expect(files).toContain(`verify/${kind}.ts`)
    for (const kind of kinds(authenticators)) expect(files).toContain(`authenticate/${kind}.ts`)
    for (const kind of kinds(certificateHeaders)) expect(files).toContain(`formats/certificate-headers/${kind}.ts`)
    for (const kind of kinds(dialects)) expect(files).toContain(`gateways/${kind}.ts`)
    const listed = (folder: string, contract: string) =>
      files
        .filter((file) => room(file) === folder && new RegExp(`: ${contract}<|= clientSecret\\('`).test(text(file)))
        .filter((file) => !/\.\/client-secret|verifier\.ts|authenticator\.ts/.test(file))
        .map((file) => file.replace(`${folder}/`, '').replace('.ts', ''))
    expect(kinds(verifiers).toSorted()).toEqual(listed('verify', 'Verifier').toSorted())
    expect(kinds(authenticators).toSorted()).toEqual(
      listed('authenticate', 'Authenticator')
        .filter((name) => name !== 'client-secret')
        .toSorted(),
    )
    const spoken = files.filter((file) => /^export const \w+(: Dialect =| = httpDialect\()/m.test(text(file)))
    expect(kinds(dialects).toSorted()).toEqual(
      spoken.map((file) => file.replace('gateways/', '').replace('.ts', '')).toSorted(),
    )
  })

  it('lets only its stage construct a noun of the journey', () => {
    const constructors = [
      { name: 'authenticatedAs', rooms: ['authenticate', 'gateways', 'rehearse.ts', 'cli'] },
      { name: 'proven', rooms: ['verify', 'rehearse.ts'] },
      { name: 'mappedTo', rooms: ['map'] },
      { name: 'grantedAs', rooms: ['grant'] },
      { name: 'heldBy', rooms: ['gateways', 'rehearse.ts'] },
      { name: 'decidedAs', rooms: ['authorize.ts', 'egress.ts'] },
      { name: 'obtainedAs', rooms: ['obtain'] },
    ]
    for (const { name, rooms } of constructors) {
      const users = files.filter(
        (file) => room(file) !== 'domain' && new RegExp(`\\b${name}(<\\w+>)?\\(`).test(code(file)),
      )
      expect(users.filter((file) => !rooms.includes(room(file)))).toEqual([])
      expect(users.length).toBeGreaterThan(0)
    }
  })

  it('keeps the demo world out of reach of everything but dev', () => {
    const users = edges.filter(({ file, imported }) => imported.includes('demo-world') && !file.includes('demo-world'))
    expect([...new Set(users.map(({ file }) => file))]).toEqual(['cli/dev.ts'])
  })
})

/** A file without its comments and the insides of its strings. */
function code(file: string): string {
  return text(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
}
