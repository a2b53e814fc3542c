import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'
import { dialects } from '../catalog.ts'
import { identityHeaders } from '../formats/gateway-decision-settings.ts'
import { certificateFields } from './doctor-certificates.ts'
import { documentFile, type SnippetPlace, snippetFiles, usualPlace } from './gateway-snippet-files.ts'
import { snippetKinds, spokenBy } from './gateway-snippet-kinds.ts'
import { snippetText } from './gateway-snippet-text.ts'

const snippet = (...words: readonly string[]) => runProgram(['gateway', 'snippet', ...words])

describe('dragoman gateway snippet', () => {
  it('prints the configuration of a gateway, and says what belongs to it', async () => {
    const { code, out, err } = await snippet('nginx', '--name', 'shop', '--host', 'shop.example.com')
    expect(code).toBe(0)
    expect(out).toContain('server_name shop.example.com;\n')
    expect(out).toContain('/authz/shop;\n')
    expect(out).not.toMatch(/\{\{|\}\}/)
    expect(err).toBe('there belong to it: gateway.yaml; --dir FOLDER writes all of them\n')
  })

  it('prints the Gateway document with --document, and nothing beside it', async () => {
    const { code, out, err } = await snippet('caddy', '--document', '--audience', 'https://shop.internal.example')
    expect([code, err]).toEqual([0, ''])
    expect(parse(out)).toMatchObject({
      kind: 'Gateway',
      spec: { dialect: 'forward-auth', routes: [{ audience: 'https://shop.internal.example' }] },
    })
  })

  it('writes all files with --dir, and never over one that is there', async () => {
    const folder = join(temporaryFolder(), 'edge')
    const words = ['haproxy', '--dragoman', 'http://127.0.0.1:8693', '--dir', folder]
    const { code, out, err } = await snippet(...words)
    expect([code, out]).toEqual([0, ''])
    expect(err).toContain('haproxy.cfg, auth-intercept.lua, edge.yaml; edge.yaml is for the folder of trust maps')
    expect(readdirSync(folder).toSorted()).toEqual(['auth-intercept.lua', 'edge.yaml', 'haproxy.cfg'])
    const configuration = readFileSync(join(folder, 'haproxy.cfg'), 'utf8')
    expect(configuration).toContain('server dragoman 127.0.0.1:8693\n')
    expect(configuration).not.toContain('verify required')
    expect(await snippet(...words)).toMatchObject({ code: 1, err: expect.stringContaining('is there already') })
  })

  it('lists what there is for gateways in its help', async () => {
    const { code, out } = await snippet('--help')
    expect(code).toBe(0)
    for (const { name, what } of snippetKinds) expect(out).toMatch(new RegExp(`^  ${name} +${what}$`, 'm'))
  })

  it.each([
    [['forward-auth'], 'that is spoken by caddy and traefik: name one of them.'],
    [['envoy'], 'that is spoken by envoy-http and envoy-grpc: name one of them.'],
    [['kong'], 'there are nginx, ingress-nginx, haproxy'],
    [['constructor'], 'there are nginx, ingress-nginx, haproxy'],
    [['nginx', '--name', 'Edge'], 'a name is lower-case letters, digits and hyphens'],
    [['nginx', '--host', 'a.example; include /etc/passwd'], 'it would not stand for itself'],
    [['nginx', '--audience', 'a, b'], 'it would not stand for itself'],
    [['nginx', '--files', '/etc/a b'], 'it would not stand for itself'],
    [['nginx', '--server-name', 'a;b'], 'it would not stand for itself'],
    [['nginx', '--dragoman', 'https://dragoman.example/path'], 'name a scheme, a host and a port'],
    [['nginx', '--dragoman', 'ftp://dragoman.example'], 'name a scheme, a host and a port'],
    [['nginx', '--service', 'localhost'], 'an address is a host and a port'],
    [['nginx', '--listen', '0.0.0.0:65536'], 'an address is a host and a port'],
    [['traefik', '--dragoman', 'http://127.0.0.1:8693'], '--dragoman has to be an https URL'],
  ])('refuses %j', async (words, complaint) => {
    const { code, out, err } = await snippet(...words)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(complaint)
  })
})

/** What an operator may ask for. */
const variants = snippetKinds.flatMap((kind) => {
  const plain: SnippetPlace = usualPlace
  const places: readonly SnippetPlace[] = [plain, { ...plain, clientCertificates: true }]
  const inTheClear = places.map((place) => ({ ...place, dragoman: new URL('http://127.0.0.1:8693') }))
  const all = kind.byCertificate === true ? places : [...places, ...inTheClear]
  return all.map((place) => ({
    kind,
    place,
    what: `${kind.name} ${place.dragoman.protocol} ${place.clientCertificates}`,
  }))
})

describe.each(variants)('the snippet $what', ({ kind, place }) => {
  it('names every header that tells who it is', async () => {
    const files = await snippetFiles(kind, place)
    const text = kind.files
      .map((file) => files[file])
      .join('\n')
      .toLowerCase()
    // Over gRPC dragoman itself puts them on the request.
    const known = ['x-dragoman-*', 'prefix: x-dragoman-', 'include_peer_certificate', 'initial_metadata']
    if (known.some((word) => text.includes(word))) return
    for (const name of Object.values(identityHeaders)) expect(text).toContain(name.toLowerCase())
  })

  it('keeps certificates that clients make up from the service', async () => {
    const files = await snippetFiles(kind, place)
    const text = kind.files
      .map((file) => files[file])
      .join('\n')
      .toLowerCase()
    // These remove by pattern; test:gateways sends every one of the fields through them.
    const byPattern = ['haproxy', 'caddy', 'envoy-http', 'envoy-grpc', 'envoy-gateway', 'cloudflare']
    // What these remove dragoman tells them (X-Envoy-Auth-Headers-To-Remove).
    const byAnswer = ['gateway-api', 'istio']
    if ([...byPattern, ...byAnswer].includes(kind.name)) return
    // And these ingress-nginx states itself, to everybody.
    const own =
      kind.name === 'ingress-nginx' && place.clientCertificates ? ['ssl-client-cert', 'ssl-client-verify'] : []
    for (const name of certificateFields.filter((field) => !own.includes(field))) expect(text).toContain(name)
  })

  it('is YAML where it says so', async () => {
    const files = await snippetFiles(kind, place)
    for (const [file, text] of Object.entries(files).filter(([name]) => name.endsWith('.yaml')))
      for (const document of parseAllDocuments(text, { customTags: cloudFormationTags }))
        expect([file, document.errors]).toEqual([file, []])
  })
})

/** AWS SAM templates have tags of their own. */
const cloudFormationTags = ['!Ref', '!GetAtt', '!Sub'].map((tag) => ({ tag, resolve: (text: string) => text }))

describe('the snippets', () => {
  it('have Gateway documents without faults', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'gateways.pem'), '')
    for (const [at, { kind, place }] of variants.entries()) {
      const files = await snippetFiles(kind, { ...place, name: `edge-${at}` })
      writeFileSync(join(folder, `edge-${at}.yaml`), files[documentFile] ?? '')
    }
    expect(await runProgram(['check', folder])).toMatchObject({ code: 0 })
  })

  it('speak every dialect of the catalog', async () => {
    const documents = await Promise.all(snippetKinds.map((kind) => snippetFiles(kind, usualPlace)))
    const spoken = documents.map(
      (files) => (parse(files[documentFile] ?? '') as { spec: { dialect: string } }).spec.dialect,
    )
    expect([...new Set(spoken)].toSorted()).toEqual(
      dialects
        .filter(({ isOutwardOnly }) => isOutwardOnly !== true)
        .map(({ kind }) => kind)
        .toSorted(),
    )
    for (const names of Object.values(spokenBy))
      for (const name of names) expect(snippetKinds.some((kind) => kind.name === name)).toBe(true)
  })
})

describe('a template', () => {
  const values = { texts: { name: 'edge' }, flags: { tls: true, certificates: false } }

  it('has its names filled in, and the sections that are meant', () => {
    const template =
      'a {{name}}\n{{#tls}}\nb\n{{/tls}}\n  {{^tls}}\nc\n  {{/tls}}\n{{#certificates}}\nd\n{{/certificates}}\ne'
    expect(snippetText(template, values)).toBe('a edge\nb\ne')
  })

  it('keeps braces that are not its own', () => {
    const others = '{{ env "X" }} {a} {{name'
    expect(snippetText(others, values)).toBe(others)
  })

  it.each([
    ['{{nobody}}', 'no value for nobody'],
    ['{{constructor}}', 'no value for constructor'],
    ['{{#nobody}}\n{{/nobody}}', 'no value for nobody'],
    ['{{#tls}}\na', 'a section of tls does not end'],
    ['a\n{{/tls}}', 'a section of tls ends that has not begun'],
    ['{{#tls}}\n{{#certificates}}\n{{/certificates}}\n{{/tls}}', 'begins in one of tls'],
  ])('%j is a mistake', (template, complaint) => {
    expect(() => snippetText(template, values)).toThrow(complaint)
  })
})
