import { describe, expect, it } from 'vitest'
import { createNodeDigest } from './runtimes/node/digest.ts'
import { loadTrust } from './trust.ts'

/** What Gateway documents and the others must agree on. */

const people = `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: people }
spec:
  source: { oidc: { issuer: https://idp.example.com, audiences: [https://us], clients: [edge] } }
  rules:
    - name: all
      when: { claims: { sub: { exists: true } } }
      identity: { type: user, subject: { claim: sub } }
      grant: { audiences: [https://orders] }
`

const gateway = (more = '', dialect = 'dialect: nginx\n  routes: [{ name: all, audience: https://orders }]') =>
  `apiVersion: dragoman/v1alpha1
kind: Gateway
metadata: { name: edge }
spec:
  authenticate: { network: [10.0.0.5] }
  ${dialect}
  ${more}
`

const client = (name: string, id = '') =>
  `apiVersion: dragoman/v1alpha1
kind: Client
metadata: { name: ${name} }
spec:
  ${id}
  authentication: [{ method: client_secret_basic, secrets: [{ env: A }] }]
`

const load = (files: Readonly<Record<string, string>>) =>
  loadTrust(
    Object.entries(files).map(([name, text]) => ({ name, text })),
    { world: 'serve', insecureLoopback: false, digest: createNodeDigest() },
  )

const faultsOf = async (files: Readonly<Record<string, string>>) =>
  (await load(files)).faults.map(({ location, path, message, fix }) => [
    location.file,
    location.line,
    path,
    message,
    fix,
  ])

describe('a gateway that asks', () => {
  it('is a client that trust maps may name', async () => {
    const { trust, faults } = await load({ 'people.yaml': people, 'edge.yaml': gateway('sources: [people]') })
    expect(faults).toEqual([])
    expect(trust?.gateways.map(({ name, decisions }) => [name, decisions?.sources])).toEqual([['edge', ['people']]])
  })

  it('names sources that there are', async () => {
    expect(await faultsOf({ 'people.yaml': people, 'edge.yaml': gateway('sources: [peple, "p*"]') })).toEqual([
      ['edge.yaml', 8, 'spec.sources[0]', 'there is no TrustMap "peple"', 'did you mean `people`?'],
    ])
  })

  it('is no client of a Client document as well', async () => {
    const taken = 'a Gateway with a dialect is the client of this name'
    const documents = { 'people.yaml': people, 'edge.yaml': gateway() }
    expect(await faultsOf({ ...documents, 'client.yaml': client('edge') })).toEqual([
      ['client.yaml', 4, 'spec.clientId', taken, 'choose another'],
    ])
    expect(await faultsOf({ ...documents, 'client.yaml': client('other', 'clientId: edge') })).toEqual([
      ['client.yaml', 5, 'spec.clientId', taken, 'choose another'],
    ])
  })

  it('leaves the name free where it asks nothing', async () => {
    const edge = gateway('', 'certificateFrom: nginx')
    expect(await faultsOf({ 'people.yaml': people, 'edge.yaml': edge, 'client.yaml': client('edge') })).toEqual([])
  })

  it('is told that an address proves little', async () => {
    const { warnings } = await load({ 'people.yaml': people, 'edge.yaml': gateway() })
    expect(warnings).toEqual([
      {
        location: { file: 'edge.yaml', line: 5, column: 28 },
        path: 'spec.authenticate.network',
        message: 'whoever can send from these addresses is the gateway',
        fix: 'mtls or secretHeader, unless nobody else can',
      },
    ])
    const bySecret = gateway().replace('network: [10.0.0.5]', 'secretHeader: { name: x, secrets: [{ env: A }] }')
    expect((await load({ 'people.yaml': people, 'edge.yaml': bySecret })).warnings).toEqual([])
  })
  it('is told of a path that stands outside of its own pattern', async () => {
    const warnings = async (routes: string) => {
      const document = gateway('', `dialect: nginx\n  routes: [${routes}]`)
      const bySecret = document.replace('network: [10.0.0.5]', 'secretHeader: { name: x, secrets: [{ env: A }] }')
      const loaded = await load({ 'people.yaml': people, 'edge.yaml': bySecret })
      expect(loaded.faults).toEqual([])
      return loaded.warnings.map(({ path, message, fix }) => [path, message, fix])
    }
    const admin = (more: string) => `{ name: admin, audience: https://admin, ${more} }`
    const rest = (more = '') => `{ name: rest, audience: https://orders, ${more} }`
    expect(await warnings(`${admin('paths: [/x, /admin/**]')}, ${rest()}`)).toEqual([
      [
        'spec.routes[0].paths[1]',
        '/admin itself is not meant by /admin/**, and the route rest speaks for it',
        'name /admin beside it',
      ],
    ])
    for (const routes of [
      `${admin('paths: [/admin, /admin/**]')}, ${rest()}`,
      `${admin('paths: ["/adm*", /admin/**]')}, ${rest()}`,
      `${admin('paths: [/admin/**]')}, ${rest('paths: [/v1/**]')}`,
      `${rest()}, ${admin('paths: [/admin/**]')}`,
      `${admin('paths: [/admin/**], hosts: [a.example]')}, ${rest('hosts: [b.example]')}`,
      rest(),
    ])
      expect(await warnings(routes)).toEqual([])
  })
})
