import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, newFolder, removeFolder } from '../world/dragoman.ts'
import { asEdge, exchange } from './dragoman/exchange.ts'
import { issuer } from './dragoman/serving.ts'
import { mintJwt, mintX509, rotate, taintOld, type X509Svid } from './spire/commands.ts'
import { documents, federated, fromFiles } from './spire/documents.ts'
import { spire } from './spire/running-spire.ts'
import { type BesideSpire, bundleFiles, startBesideSpire } from './spire/serving.ts'
import { ofJwt, ofX509 } from './spire/svids.ts'
import { fetchJwt, fetchX509 } from './spire/workload.ts'

/** SPIRE changes all of its keys while two dragomans run, one with bundles from files and one that federates. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const { server, agent, partner } = spire
const servers = [server, partner]
const kinds = ['x509', 'jwt'] as const

/** SVIDs of both trust domains that were signed with the same generation of keys. */
interface Generation {
  readonly x509: readonly X509Svid[]
  readonly jwt: readonly string[]
}

const minted = async (): Promise<Generation> => ({
  x509: [await mintX509(server, 'orders-web'), await mintX509(partner, 'billing')],
  jwt: [await mintJwt(server, 'orders-web', issuer), await mintJwt(partner, 'billing', issuer)],
})

/** Those of the workload, which its agent renews. */
const fetched = async (): Promise<Generation> => ({
  x509: [await fetchX509(agent)],
  jwt: [await fetchJwt(agent, issuer)],
})

let byFile: BesideSpire
let byEndpoint: BesideSpire
beforeAll(async () => {
  byFile = await startBesideSpire(folder, fromFiles, documents(fromFiles))
  byEndpoint = await startBesideSpire(folder, federated, documents(federated))
  return async () => {
    await byFile.stop()
    await byEndpoint.stop()
  }
})

const writeBundles = async () => {
  for (const [name, text] of Object.entries(await bundleFiles())) byFile.write(name, text)
}

/** What becomes of each SVID, the X.509-SVIDs over mutual TLS: `200`, or the reason for which it is refused. */
const verdictsOf = async (dragoman: BesideSpire, { x509, jwt }: Generation): Promise<readonly string[]> => {
  const asked = [
    ...x509.map((svid) => ({
      by: dragoman.callerWith(svid),
      form: ofX509(svid),
    })),
    ...jwt.map((token) => ({
      by: dragoman.anyone,
      form: ofJwt(token),
    })),
  ]
  const verdicts: string[] = []
  for (const { by, form } of asked) {
    const { status, reason } = await exchange(dragoman, { by }, { ...asEdge, ...form })
    verdicts.push(reason ?? String(status))
  }
  return verdicts
}

/** Both dragomans give the same verdicts, which is what `wanted` lists for each kind. */
const expectAll = async (generation: Generation, wanted: { readonly x509: string; readonly jwt: string }) => {
  const all = [...generation.x509.map(() => wanted.x509), ...generation.jwt.map(() => wanted.jwt)]
  expect([await verdictsOf(byFile, generation), await verdictsOf(byEndpoint, generation)]).toEqual([all, all])
}

const accepted = { x509: '200', jwt: '200' }
const gone = { x509: 'credential.chain_untrusted', jwt: 'credential.key_unknown' }

const kidOf = ({ jwt: [token = ''] }: Generation) => decodeProtectedHeader(token).kid

describe('all keys are rotated', () => {
  let old: Generation
  let ofAgent: Generation
  let fresh: Generation

  it('what was signed before is accepted', async () => {
    old = await minted()
    ofAgent = await fetched()
    for (const generation of [old, ofAgent]) await expectAll(generation, accepted)
  })

  it('what is signed with a new key is accepted at once, and what was signed before still is', async () => {
    for (const one of servers) for (const kind of kinds) await rotate(one, kind)
    await writeBundles()
    fresh = await minted()
    expect(kidOf(fresh)).not.toBe(kidOf(old))
    for (const generation of [fresh, old, ofAgent]) await expectAll(generation, accepted)
  })

  it('once an authority has left the bundle, what it has signed is refused within its freshness', async () => {
    const revocations: (() => Promise<void>)[] = []
    for (const one of servers) for (const kind of kinds) revocations.push(await taintOld(one, kind))
    const renewed = await eventually(async () => {
      const now = await fetched()
      return now.x509[0]?.chain === ofAgent.x509[0]?.chain || kidOf(now) === kidOf(ofAgent) ? undefined : now
    }, 60_000)
    await expectAll(renewed, accepted)
    for (const revoke of revocations) await revoke()
    await writeBundles()
    // Each asks for the bundle anew after at most a minute.
    await eventually(async () => {
      const verdicts = [...(await verdictsOf(byFile, old)), ...(await verdictsOf(byEndpoint, old))]
      return verdicts.includes('200') ? undefined : true
    }, 90_000)
    for (const generation of [old, ofAgent]) await expectAll(generation, gone)
    for (const generation of [fresh, renewed]) await expectAll(generation, accepted)
  })
})
