import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trustMap } from '../world/documents.ts'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import type { Caller } from './calling.ts'
import { certtool } from './certificates/certtool.ts'
import { openssl } from './certificates/openssl.ts'
import {
  type Chain,
  type ChainChanges,
  chainPem,
  type Issued,
  type KeyKind,
  keyKinds,
  leafNames,
  makeChain,
} from './certificates/toolkit.ts'
import { client, edgeClient, workloadRule } from './dragoman/documents.ts'
import { asEdge, exchange, refused, tokenTypes, unknownClient } from './dragoman/exchange.ts'
import { type Serving, startServing } from './dragoman/serving.ts'

/** Certificates that real programs make, as dragoman takes them. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const pemOf = (file: string) => readFileSync(file, 'utf8')

const pathOf = ({ leaf, intermediate }: Pick<Chain, 'leaf' | 'intermediate'>) => chainPem([leaf, intermediate])

const rule = workloadRule(
  'orders',
  { '/san/dns': { contains: leafNames.dns[0] } },
  { claim: '/subject/CN', prefix: 'workload:' },
)

/** Lists are read in the one map, and none in the other, since one that says nothing of a certificate refuses it. */
const documents = (lists: readonly string[]) => [
  trustMap('listed', {
    source: { x509: { trustAnchors: 'listed.pem', revocation: { crlFiles: lists } } },
    rules: [rule],
  }),
  trustMap('plain', { source: { x509: { trustAnchors: 'plain.pem' } }, rules: [rule] }),
  client('orders', 'orders', [{ method: 'tls_client_auth', trustAnchors: 'listed.pem', sanDNS: leafNames.dns[0] }], {
    sources: ['listed'],
  }),
  edgeClient({ sources: ['listed', 'plain'], presentCertificates: true }),
]

describe.each([openssl, certtool])('of $name', (toolkit) => {
  const own = join(folder, toolkit.name)
  const ownFolder = () => mkdtempSync(join(folder, 'chain-'))
  const chains = new Map<KeyKind, Chain & { readonly revoked: Issued }>()
  let plain: Issued
  let dragoman: Serving
  let anyone: Caller

  const chainOf = (kind: KeyKind) => {
    const chain = chains.get(kind)
    if (chain === undefined) throw new Error(`no chain of ${kind}`)
    return chain
  }

  /** A chain, another leaf below it that is revoked, and the lists of both authorities. */
  const makeListed = async (kind: KeyKind): Promise<readonly [string, string][]> => {
    const at = ownFolder()
    const chain = await makeChain(toolkit, at, kind)
    const profile = { commonName: 'revoked', names: leafNames, purposes: ['client'] } as const
    const revoked = await toolkit.issue(at, kind, profile, chain.intermediate)
    chains.set(kind, { ...chain, revoked })
    return [
      [`${kind}-root.crl`, pemOf(await toolkit.revoke(chain.root, []))],
      [`${kind}-intermediate.crl`, pemOf(await toolkit.revoke(chain.intermediate, [revoked]))],
    ]
  }

  /** A chain below the anchor of the map without lists. */
  const makePlain = async (changes: ChainChanges): Promise<string> => {
    const at = ownFolder()
    const authority = { commonName: 'between', authority: { pathLength: 0 }, ...changes.intermediate }
    const intermediate = await toolkit.issue(at, 'p256', authority, plain)
    const workload = { commonName: 'leaf', names: leafNames, purposes: ['client'], ...changes.leaf } as const
    return pathOf({ intermediate, leaf: await toolkit.issue(at, 'p256', workload, intermediate) })
  }

  beforeAll(async () => {
    const lists: (readonly [string, string])[] = []
    for (const kind of keyKinds) lists.push(...(await makeListed(kind)))
    plain = await toolkit.issue(ownFolder(), 'p256', { commonName: 'plain root', authority: {} })
    const servers = await openssl.issue(ownFolder(), 'p256', { commonName: 'servers', authority: {} })
    const listener = { commonName: 'dragoman', names: { ip: ['127.0.0.1'] }, purposes: ['server'] } as const
    const tls = await openssl.issue(ownFolder(), 'p256', listener, servers)
    anyone = { authorities: pemOf(servers.certificate) }
    dragoman = await startServing({
      folder: own,
      documents: documents(lists.map(([name]) => name)),
      files: {
        ...Object.fromEntries(lists),
        'listed.pem': await chainPem([...chains.values()].map(({ root }) => root)),
        'plain.pem': pemOf(plain.certificate),
      },
      tls,
    })
    return dragoman.stop
  })

  /** Presented by a client that is believed to have seen its holder. */
  const presented = (chain: string) =>
    exchange(dragoman, { by: anyone }, { ...asEdge, subject_token: chain, subject_token_type: tokenTypes.x509Chain })

  /** Presented by the holder over mutual TLS, which also is how it authenticates. */
  const overTls = async (chain: Chain, version: Pick<Caller, 'maxVersion'> = {}) => {
    const certificate = await pathOf(chain)
    const by = { ...anyone, ...version, certificate, key: pemOf(chain.leaf.key) }
    const form = { client_id: 'orders', subject_token: certificate, subject_token_type: tokenTypes.x509Chain }
    return exchange(dragoman, { by }, form)
  }

  describe.each(keyKinds)('a chain of %s keys', (kind) => {
    it('is accepted', async () => {
      const outcome = await presented(await pathOf(chainOf(kind)))
      expect(outcome).toMatchObject({ status: 200, claims: { sub: `workload:${kind} leaf`, map: 'listed' } })
    })

    it('is accepted in base64 of its DER', async () => {
      const { leaf, intermediate } = chainOf(kind)
      const der = [leaf, intermediate].map((one) => new X509Certificate(pemOf(one.certificate)).raw.toString('base64'))
      expect(await presented(der.join(','))).toMatchObject({ status: 200 })
    })

    it('is accepted of its holder over mutual TLS', async () => {
      const granted = { status: 200, claims: { sub: `workload:${kind} leaf`, client_id: 'orders' } }
      expect(await overTls(chainOf(kind))).toMatchObject(granted)
      expect(await overTls(chainOf(kind), { maxVersion: 'TLSv1.2' })).toMatchObject(granted)
    })

    it('is refused when its leaf is on the revocation list', async () => {
      const { revoked: leaf, ...chain } = chainOf(kind)
      expect(await presented(await pathOf({ ...chain, leaf }))).toEqual(refused('credential.revoked'))
      expect(await overTls({ ...chain, leaf })).toEqual(refused('credential.revoked'))
    })

    it('is refused without its intermediate', async () => {
      expect(await presented(pemOf(chainOf(kind).leaf.certificate))).toEqual(refused('issuer.unknown'))
    })

    it('is refused when another authority has taken the names', async () => {
      const other = await makeChain(toolkit, ownFolder(), kind)
      expect(await presented(await pathOf(other))).toEqual(refused('credential.chain_untrusted'))
    })
  })

  const past = { from: new Date(Date.now() - 7_200_000), until: new Date(Date.now() - 3_600_000) }
  const future = { from: new Date(Date.now() + 3_600_000), until: new Date(Date.now() + 7_200_000) }
  const elsewhere = ['elsewhere.test.example']

  it('a chain without lists is accepted where none are asked for', async () => {
    expect(await presented(await makePlain({}))).toMatchObject({ status: 200, claims: { map: 'plain' } })
    const permitted = { dns: ['prod.test.example'], email: ['prod.test.example'], ip: ['192.0.2.0/24'] }
    const constrained = await makePlain({ intermediate: { authority: { pathLength: 0, permitted } } })
    expect(await presented(constrained)).toMatchObject({ status: 200, claims: { map: 'plain' } })
  })

  it.each<[string, string, ChainChanges]>([
    ['that has expired', 'credential.expired', { leaf: { validity: past } }],
    ['that is not valid yet', 'credential.not_yet_valid', { leaf: { validity: future } }],
    ['of an authority that has expired', 'credential.expired', { intermediate: { validity: past } }],
    ['for servers only', 'credential.usage_not_allowed', { leaf: { purposes: ['server'] } }],
    [
      'with a name outside of what its authority is permitted',
      'credential.constraint_violated',
      { intermediate: { authority: { permitted: { dns: elsewhere } } } },
    ],
    [
      'with an address outside of what its authority is permitted',
      'credential.constraint_violated',
      { intermediate: { authority: { permitted: { ip: ['198.51.100.0/24'] } } } },
    ],
    [
      'with a name that is excluded',
      'credential.constraint_violated',
      { intermediate: { authority: { excluded: { email: ['prod.test.example'] } } } },
    ],
  ])('a certificate %s is refused', async (_, reason, changes) => {
    expect(await presented(await makePlain(changes))).toEqual(refused(reason))
  })

  it('a chain of an authority that no map names is refused', async () => {
    const root = { commonName: 'unheard of', authority: {} }
    const chain = await makeChain(toolkit, ownFolder(), 'p256', { root })
    expect(await presented(await pathOf(chain))).toEqual(refused('issuer.unknown'))
    expect(await overTls(chain)).toEqual(unknownClient('client.credential_invalid'))
  })
})
