import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { loadTrust, type SourceFile, trustJsonSchema } from './trust.ts'

const digest = { sha256: (text: string) => createHash('sha256').update(text).digest('base64url') }

const load = (files: readonly SourceFile[], world: 'serve' | 'dev' = 'serve') =>
  loadTrust(files, { world, insecureLoopback: world === 'dev', digest })

const file = (text: string, name = 'a.yaml'): SourceFile => ({ name, text })

const trustMap = `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata:
  name: idp
spec:
  source:
    oidc:
      issuer: https://idp.example.com
      audiences: [https://dragoman.example.com]
  rules:
    - name: staff
      when:
        claims:
          role: staff
        expression: "claims.email.endsWith('@acme.example')"
      identity:
        type: user
        subject: { claim: sub, prefix: 'user:' }
        groups: { claim: groups }
        claims:
          email: { claim: email, sensitivity: pii }
      grant:
        audiences: [https://orders.internal.example]
        scopes: [orders:read]
        ttl: 5m
`

const client = `apiVersion: dragoman/v1alpha1
kind: Client
metadata: { name: ci }
spec:
  authentication:
    - method: client_secret_basic
      secrets: [{ env: CI_SECRET }]
  may:
    sources: [idp]
    audiences: ['https://*.internal.example']
    scopes: ['**']
`

const suite = `apiVersion: dragoman/v1alpha1
kind: TrustMapTest
metadata: { name: idp-tests }
spec:
  now: 2026-12-01T12:00:00Z
  fixtures:
    ada: { sub: ada, role: staff, email: ada@acme.example, groups: [g], old: 1 }
  tests:
    - name: staff get in
      token: ada
      client: ci
      type: id_token
      claims: { role: staff, old: null, new: [1] }
      request: { audience: https://orders.internal.example, scope: orders:read }
      expect:
        decision: allow
        rule: staff
        identity: { subject: 'user:ada', tenant: null }
        token: { scope: orders:read, exp_in: 300, email: null }
    - name: others do not
      token: ada
      claims: { role: guest }
      expect: { decision: deny, reason: rule.none_matched }
`

describe('loadTrust', () => {
  it('reads maps, clients and tests', async () => {
    const { trust, faults, notices } = await load([file(trustMap), file(`${client}---\n${suite}`, 'b.yaml')])
    expect(faults).toEqual([])
    expect(notices).toEqual([])
    expect(trust?.maps.map(({ name, mode, location }) => [name, mode, location])).toEqual([
      ['idp', 'enforce', { file: 'a.yaml', line: 4, column: 9 }],
    ])
    expect(trust?.maps[0]?.source).toMatchObject({
      kind: 'oidc',
      config: { issuer: 'https://idp.example.com', clockSkew: 60 },
      location: { line: 8, column: 7 },
    })
    expect(trust?.maps[0]?.rules[0]?.location).toEqual({ file: 'a.yaml', line: 11, column: 13 })
    expect(trust?.clients.get('ci')).toMatchObject({
      id: 'ci',
      authentication: [
        {
          kind: 'client_secret_basic',
          config: { secrets: [{ env: 'CI_SECRET' }] },
          location: { file: 'b.yaml', line: 6 },
        },
      ],
      rights: { sources: ['idp'], audiences: ['https://*.internal.example'], scopes: ['**'] },
    })
  })

  it('makes tests ready to run', async () => {
    const { trust } = await load([file(trustMap), file(client, 'b.yaml'), file(suite, 'c_test.yaml')])
    const [only] = trust?.suites ?? []
    expect(only).toMatchObject({ name: 'idp-tests', now: Date.parse('2026-12-01T12:00:00Z') / 1000 })
    expect(only?.tests).toEqual([
      {
        name: 'staff get in',
        location: { file: 'c_test.yaml', line: 9, column: 13 },
        claims: { sub: 'ada', role: 'staff', email: 'ada@acme.example', groups: ['g'], new: [1] },
        tokenType: 'urn:ietf:params:oauth:token-type:id_token',
        client: 'ci',
        request: { targets: ['https://orders.internal.example'], scope: ['orders:read'] },
        expect: {
          decision: 'allow',
          rule: 'staff',
          identity: { subject: 'user:ada', tenant: null },
          token: { scope: 'orders:read', exp_in: 300, email: null },
        },
      },
      {
        name: 'others do not',
        location: { file: 'c_test.yaml', line: 20, column: 13 },
        claims: { sub: 'ada', role: 'guest', email: 'ada@acme.example', groups: ['g'], old: 1 },
        request: { targets: [] },
        expect: { decision: 'deny', reason: 'rule.none_matched' },
      },
    ])
  })

  it('knows the client of a test by its document and hands out its client_id', async () => {
    const named = client.replace('spec:', 'spec:\n  clientId: https://ci.example')
    const { trust } = await load([file(trustMap), file(named, 'b.yaml'), file(suite, 'c.yaml')])
    expect(trust?.suites[0]?.tests[0]?.client).toBe('https://ci.example')
    expect([...(trust?.clients.keys() ?? [])]).toEqual(['https://ci.example'])
  })

  it('gathers every text that policy refers to', async () => {
    const { trust } = await load([file(trustMap), file(client, 'b.yaml')])
    for (const text of ['staff', '@acme.example', 'user:', 'https://orders.internal.example', 'idp', 'role'])
      expect([text, text === 'role' || trust?.referencedStrings.has(text)]).toEqual([text, true])
  })

  it('has a version that changes with any file and with nothing else', async () => {
    const version = async (...files: SourceFile[]) => (await load(files)).trust?.version
    const [a, b] = [file(trustMap), file(client, 'b.yaml')]
    expect(await version(a, b)).toMatch(/^[0-9a-f]{12}$/)
    expect(await version(b, a)).toBe(await version(a, b))
    expect(await version(a, file(`${client}# note\n`, 'b.yaml'))).not.toBe(await version(a, b))
    expect(await version(a, file(client, 'c.yaml'))).not.toBe(await version(a, b))
  })

  it('reads an empty folder as no trust at all', async () => {
    expect((await load([])).trust).toMatchObject({ maps: [], suites: [] })
  })
})

/** One edit of the three documents, and the fault that it must yield. */
const edits: readonly (readonly [from: string, to: string, at: string, path: string, message: string, fix?: string])[] =
  [
    ['v1alpha1\nkind: TrustMap', 'v1\nkind: TrustMap', '1:13', 'apiVersion', 'must be dragoman/v1alpha1'],
    [
      'kind: TrustMap\n',
      'kind: TrustMpa\n',
      '2:7',
      'kind',
      'is not one of the known words',
      'did you mean `TrustMap`?',
    ],
    ['  name: idp\n', '  nam: idp\n', '3:1', 'metadata.name', 'is missing', 'for example github-actions'],
    [
      '  name: idp\n',
      '  name: IdP\n',
      '4:9',
      'metadata.name',
      'lower-case letters, digits and hyphens, at most 63, no hyphen at the ends',
      'for example github-actions',
    ],
    [
      '  name: idp\n',
      '  name: idp\n  labels: {dragoman/word: demo}\n',
      '5:11',
      'metadata.labels',
      'of the labels below dragoman/ only dragoman/world is known',
    ],
    [
      '  name: idp\n',
      '  name: idp\n  labels: {dragoman/world: demoo}\n',
      '5:11',
      'metadata.labels',
      'dragoman/world can only be demo',
    ],
    [
      'spec:\n  source',
      'spec:\n  mode: enforced\n  source',
      '6:9',
      'spec.mode',
      'is not one of the known words',
      'did you mean `enforce`?',
    ],
    [
      '    oidc:\n',
      '    kerberos:\n',
      '7:5',
      'spec.source.kerberos',
      'unknown key',
      'known here: preset, spiffe, canonical, oidc, saml, x509',
    ],
    [
      'audiences: [https://dragoman',
      'audience: [https://dragoman',
      '9:7',
      'spec.source.oidc.audience',
      'unknown key',
      'did you mean `audiences`?',
    ],
    [
      'https://idp.example.com',
      'http://idp.example.com',
      '8:15',
      'spec.source.oidc.issuer',
      'http://idp.example.com is not https',
      'use https; plain http to this machine is possible under `dragoman dev` only',
    ],
    [
      '    oidc:\n',
      '    preset: entra-v3\n    oidc:\n',
      '7:13',
      'spec.source.preset',
      'is not one of the known words',
      'did you mean `entra-v2`?',
    ],
    [
      '          role: staff\n',
      '          role: { globb: x }\n',
      '14:19',
      'spec.rules[0].when.claims.role.globb',
      'unknown key',
      'did you mean `glob`?',
    ],
    [
      '          role: staff\n',
      '          role: {}\n',
      '14:17',
      'spec.rules[0].when.claims.role',
      'says nothing about the claim',
    ],
    [
      '          role: staff\n',
      '          role: []\n',
      '14:17',
      'spec.rules[0].when.claims.role',
      'holds too little',
      'for example push',
    ],
    [
      '          role: staff\n',
      '          role:\n',
      '14:16',
      'spec.rules[0].when.claims.role',
      'is empty',
      'for example push',
    ],
    [
      '          role: staff\n',
      '          role: { exists: false, equals: x }\n',
      '14:17',
      'spec.rules[0].when.claims.role',
      'exists: false stands alone',
    ],
    [
      '          role: staff\n',
      "          role: { regex: '(' }\n",
      '14:26',
      'spec.rules[0].when.claims.role.regex',
      'not a regular expression of RE2: missing closing )',
    ],
    [
      '          role: staff\n',
      '          /a~x: staff\n',
      '14:11',
      'spec.rules[0].when.claims["/a~x"]',
      'this key is not acceptable: in a JSON pointer `~` is written ~0 and `/` is written ~1',
      'for example push',
    ],
    [
      '        claims:\n          role: staff\n',
      '        claims: {}\n',
      '13:17',
      'spec.rules[0].when.claims',
      'is empty: leave it out if no claim matters',
    ],
    [
      'claims.email.ends',
      'clams.email.ends',
      '15:22',
      'spec.rules[0].when.expression',
      'unknown variable clams (column 1 of the expression)',
      'did you mean `claims`?',
    ],
    [
      "claims.email.endsWith('@acme.example')",
      'claims.email',
      '15:22',
      'spec.rules[0].when.expression',
      'yields dyn, but true or false is wanted (column 1 of the expression)',
      'compare the value with something, for example == true',
    ],
    [
      "endsWith('@acme",
      "matches('@acme",
      '15:22',
      'spec.rules[0].when.expression',
      'the function matches() is not available (column 1 of the expression)',
      "write matchesWhole('…'): it matches the whole value, in linear time",
    ],
    [
      '        type: user\n',
      '        type: usr\n',
      '17:15',
      'spec.rules[0].identity.type',
      'is not one of the known words',
      'did you mean `user`?',
    ],
    [
      "{ claim: sub, prefix: 'user:' }",
      '{ claim: sub, value: x }',
      '18:18',
      'spec.rules[0].identity.subject',
      'needs exactly one of claim, value, expression',
    ],
    [
      "{ claim: sub, prefix: 'user:' }",
      '{ claim: sub, default: nobody }',
      '18:32',
      'spec.rules[0].identity.subject.default',
      'unknown key',
      'known here: claim, value, expression, prefix, sensitivity',
    ],
    [
      'groups: { claim: groups }',
      'groups: { value: one }',
      '19:26',
      'spec.rules[0].identity.groups.value',
      'must be a list',
    ],
    [
      '          email: {',
      '          Sub: {',
      '21:11',
      'spec.rules[0].identity.claims.Sub',
      "this key is not acceptable: dragoman's own claims cannot be mapped: give it another name",
    ],
    [
      '          email: {',
      '          constructor: {',
      '21:11',
      'spec.rules[0].identity.claims.constructor',
      "this key is not acceptable: dragoman's own claims cannot be mapped: give it another name",
    ],
    [
      'sensitivity: pii',
      'sensitivity: pi',
      '21:47',
      'spec.rules[0].identity.claims.email.sensitivity',
      'is not one of the known words',
      'did you mean `pii`?',
    ],
    [
      'audiences: [https://orders.internal.example]',
      'audiences: []',
      '23:20',
      'spec.rules[0].grant.audiences',
      'holds too little',
      'for example ["https://orders.internal.example"]',
    ],
    [
      '[orders:read]\n        ttl',
      '["orders read"]\n        ttl',
      '24:18',
      'spec.rules[0].grant.scopes[0]',
      'a scope has no spaces, quotes or backslashes',
    ],
    [
      'ttl: 5m',
      'ttl: 5 minutes',
      '25:14',
      'spec.rules[0].grant.ttl',
      'a duration is a number with a unit: 30s, 5m, 1h, 7d',
    ],
    ['ttl: 5m', 'ttl: 2d', '25:14', 'spec.rules[0].grant.ttl', 'must be between 30s and 24h'],
    ['ttl: 5m', 'ttl: 300', '25:14', 'spec.rules[0].grant.ttl', 'must be a text'],
    [
      'ttl: 5m',
      'release: [secret]',
      '25:19',
      'spec.rules[0].grant.release[0]',
      'is not one of the known words',
      'known here: public, internal, pii, phi, pci',
    ],
    [
      '        ttl: 5m\n',
      '      expires: 2027-02-30\n',
      '25:16',
      'spec.rules[0].expires',
      'must be a day such as 2027-03-31',
    ],
    [
      '- name: staff\n',
      '- name: staff\n      nmae: x\n',
      '12:7',
      'spec.rules[0].nmae',
      'unknown key',
      'did you mean `name`?',
    ],
    [
      'method: client_secret_basic',
      'method: client_secret_basik',
      '31:15',
      'spec.authentication[0].method',
      'is not one of the known words',
      'did you mean `client_secret_basic`?',
    ],
    [
      'secrets: [{ env: CI_SECRET }]',
      'secrets: [hunter2]',
      '32:17',
      'spec.authentication[0].secrets[0]',
      'must be a map of keys',
    ],
    [
      'secrets: [{ env: CI_SECRET }]',
      'secrets: [{ file: x }]\n    - method: client_secret_basic\n      secrets: [{ file: y }]',
      '31:5',
      'spec.authentication',
      'a method stands twice',
    ],
    [
      '  authentication:\n    - method: client_secret_basic\n      secrets: [{ env: CI_SECRET }]\n',
      '  authentication: [{ method: private_key_jwt }]\n',
      '30:20',
      'spec.authentication[0]',
      'name exactly one of jwks, jwksFile, jwksURI',
      'jwksFile: client.jwks.json',
    ],
    [
      'sources: [idp]',
      'sources: [ipd]',
      '34:15',
      'spec.may.sources[0]',
      'there is no TrustMap "ipd"',
      'did you mean `idp`?',
    ],
    [
      '      token: ada\n      client',
      '      token: eve\n      client',
      '46:14',
      'spec.tests[0].token',
      'there is no such fixture',
      'known here: ada',
    ],
    ['client: ci\n', 'client: cj\n', '47:15', 'spec.tests[0].client', 'there is no Client "cj"', 'did you mean `ci`?'],
    [
      'reason: rule.none_matched',
      'reason: rule.nonematched',
      '59:41',
      'spec.tests[1].expect.reason',
      'is not one of the known words',
      'did you mean `rule.none_matched`?',
    ],
    [
      'decision: allow\n',
      'decision: allow\n        reason: internal\n',
      '53:17',
      'spec.tests[0].expect.reason',
      'only a denial has a reason',
    ],
    [
      'now: 2026-12-01T12:00:00Z',
      'now: today',
      '41:8',
      'spec.now',
      'must be a time such as 2026-12-01T12:00:00Z',
      'for example 2026-12-01T12:00:00Z',
    ],
  ]

describe('faults', () => {
  const whole = `${trustMap}---\n${client}---\n${suite}`.replaceAll('---\n', '')
  const documents = (text: string) => text.replaceAll(/\n(?=apiVersion)/g, '\n---\n')

  it.each(edits.map((edit) => ({ edit })))('$edit.3: $edit.4', async ({ edit }) => {
    const [from, to, at, path, message, fix] = edit
    expect(whole).toContain(from)
    const text = documents(whole.replace(from, to))
    const { trust, faults } = await load([file(text)])
    expect(trust).toBeUndefined()
    const shown = faults.map(({ location, ...fault }) => ({ ...fault, at: placeWithout(text, location) }))
    expect(shown).toContainEqual(fix === undefined ? { at, path, message } : { at, path, message, fix })
    expect(shown).toHaveLength(1)
  })

  /** Lines as they stand in the documents without the separators between them. */
  const placeWithout = (text: string, { line, column }: { readonly line: number; readonly column: number }): string => {
    const separators = text
      .split('\n')
      .slice(0, line)
      .filter((one) => one === '---').length
    return `${line - separators}:${column}`
  }

  it('are reported all at once, in the order of the files', async () => {
    const broken = [
      file(
        trustMap.replace('ttl: 5m', 'ttl: x').replace('type: user', 'type: x').replace('claims.email.e', 'c.e'),
        'b.yaml',
      ),
      file(client.replace('idp', 'x').replace('[{ env', '[{ evn'), 'a.yaml'),
      file('kind: [', 'c.yaml'),
    ]
    const { trust, faults } = await load(broken)
    expect(trust).toBeUndefined()
    expect(faults.map(({ location, path }) => [location.file, path])).toEqual([
      ['a.yaml', 'spec.authentication[0].secrets[0].evn'],
      ['b.yaml', 'spec.rules[0].when.expression'],
      ['b.yaml', 'spec.rules[0].identity.type'],
      ['b.yaml', 'spec.rules[0].grant.ttl'],
      ['c.yaml', ''],
    ])
  })

  it('name what two documents must not share', async () => {
    const faultsOf = async (...texts: string[]) =>
      (await load(texts.map((text, index) => file(text, `${index}.yaml`)))).faults.map(
        ({ location, path, message }) => [`${location.file}:${location.line}`, path, message],
      )
    const other = trustMap.replace('name: idp', 'name: other')
    expect(await faultsOf(trustMap, trustMap.replace('idp.example.com', 'x.example'))).toEqual([
      ['1.yaml:4', 'metadata.name', 'another TrustMap has this name'],
    ])
    expect(await faultsOf(trustMap, other)).toEqual([
      ['1.yaml:8', 'spec.source.oidc', 'the map idp believes the same issuer for the same audience'],
    ])
    expect(await faultsOf(trustMap, other.replace('spec:', 'spec:\n  mode: disabled'))).toEqual([])
    expect(await faultsOf(trustMap, other.replace('https://dragoman', 'https://other'))).toEqual([])
    expect(
      await faultsOf(
        trustMap,
        client,
        client.replace('name: ci', 'name: cd').replace('spec:', 'spec:\n  clientId: ci'),
      ),
    ).toEqual([['2.yaml:5', 'spec.clientId', 'another Client has this client_id']])
    const rule = trustMap.slice(trustMap.indexOf('    - name: staff'))
    expect(await faultsOf(trustMap + rule)).toEqual([['0.yaml:26', 'spec.rules[1].name', 'another rule has this name']])
    expect(
      await faultsOf(trustMap.replace('      audiences: [', '      clients: [cd, ci]\n      audiences: ['), client),
    ).toEqual([['0.yaml:9', 'spec.source.oidc.clients[0]', 'there is no Client with the client_id "cd"']])
  })

  it('do not repeat themselves where another document is broken', async () => {
    const { faults } = await load([
      file(trustMap.replace('ttl: 5m', 'ttl: x')),
      file(client, 'b.yaml'),
      file(suite, 'c.yaml'),
    ])
    expect(faults.map(({ path }) => path)).toEqual(['spec.rules[0].grant.ttl'])
  })
})

describe('the demo world', () => {
  const demo = trustMap
    .replace('  name: idp', '  name: demo\n  labels: { dragoman/world: demo }')
    .replace('https://idp.example.com', 'http://127.0.0.1:4000')

  it('is loaded in dev only', async () => {
    const served = await load([file(trustMap), file(demo, 'demo.yaml')])
    expect(served.faults).toEqual([])
    expect(served.trust?.maps.map(({ name }) => name)).toEqual(['idp'])
    expect(served.notices).toEqual(['TrustMap demo (demo.yaml) belongs to the demo world and is left out'])
    const dev = await load([file(trustMap), file(demo, 'demo.yaml')], 'dev')
    expect(dev.faults).toEqual([])
    expect(dev.trust?.maps.map(({ name }) => name)).toEqual(['idp', 'demo'])
    expect(dev.notices).toEqual([])
  })
})

describe('whatever the text', () => {
  const text = `${trustMap}---\n${client}---\n${suite}`

  it('is read or has faults, and never throws', async () => {
    const edit = fc.tuple(
      fc.nat(text.length),
      fc.nat(12),
      fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom(...': [ { } ] - & * ! | > \' " # \n %'.split(' '))),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (all) => {
        const mangled = all.reduce((so, [at, length, put]) => so.slice(0, at) + put + so.slice(at + length), text)
        const { trust, faults } = await load([file(mangled)])
        expect(trust === undefined).toBe(faults.length > 0)
        for (const { location, message } of faults) {
          expect(location.line).toBeGreaterThan(0)
          expect(location.column).toBeGreaterThan(0)
          expect(message).not.toBe('')
        }
      }),
      { numRuns: 200 },
    )
  })

  it('may hold any value where another is expected', async () => {
    const paths = ['apiVersion', 'kind', 'metadata', 'spec']
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...paths), fc.jsonValue()), async (document) => {
        const head = { apiVersion: 'dragoman/v1alpha1', kind: 'TrustMap', metadata: { name: 'x' } }
        const { faults } = await load([file(stringify({ ...head, ...document }))])
        expect(faults.length).toBeGreaterThan(0)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the JSON Schema for editors', () => {
  it('is the one that is checked in (run: node schema/generate.ts)', () => {
    const checkedIn = readFileSync(new URL('../schema/trust-maps.schema.json', import.meta.url), 'utf8')
    expect(checkedIn).toBe(`${JSON.stringify(trustJsonSchema(), undefined, 2)}\n`)
  })
})
