import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { orders, trustMap } from '../world/documents.ts'
import { eventually, newFolder, removeFolder } from '../world/dragoman.ts'
import { edgeClient, workloadRule } from './dragoman/documents.ts'
import { asEdge, exchange, tokenTypes } from './dragoman/exchange.ts'
import { issuer } from './dragoman/serving.ts'
import { mintJwt } from './spire/commands.ts'
import { fromFiles } from './spire/documents.ts'
import { federate } from './spire/federation.ts'
import { spire } from './spire/running-spire.ts'
import { type BesideSpire, startBesideSpire } from './spire/serving.ts'
import { ofJwt } from './spire/svids.ts'
import { fetchX509, validateJwt } from './spire/workload.ts'

/** A real SPIRE believes the JWT-SVIDs of dragoman, by the bundle that dragoman publishes. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const { server, agent } = spire
const trustDomain = 'dragoman.test.example'

const documents = [
  trustMap('workloads', {
    source: { spiffe: { trustDomains: [fromFiles.server], audiences: [issuer] } },
    rules: [
      workloadRule(
        'all',
        { '/spiffe/path': '/orders-web' },
        { value: 'workload:orders-web' },
        { profiles: ['access-token', 'jwt-svid'] },
      ),
    ],
  }),
  edgeClient({ sources: ['workloads'] }),
]

describe('a trust domain of dragoman', () => {
  let dragoman: BesideSpire
  beforeAll(async () => {
    dragoman = await startBesideSpire(folder, fromFiles, documents, { words: ['--trust-domain', trustDomain] })
    const part = await federate(server, { trustDomain, bundleUrl: `${dragoman.url}/spiffe/bundle.json` })
    return async () => {
      await part()
      // Until the agent has forgotten it: its command for X.509-SVIDs fails over a trust domain that has none.
      await eventually(() => fetchX509(agent).catch(() => undefined), 30_000)
      await dragoman.stop()
    }
  })

  it('is one that a workload behind SPIRE can believe', async () => {
    const subject = ofJwt(await mintJwt(server, 'orders-web', issuer))
    const form = { ...asEdge, ...subject, requested_token_type: tokenTypes.jwtSvid }
    const { status, token = '' } = await exchange(dragoman, { by: dragoman.anyone }, form)
    expect(status).toBe(200)
    // The agent asks for its entries anew every few seconds.
    const id = await eventually(() => validateJwt(agent, orders, token).catch(() => undefined), 30_000)
    expect(id).toBe(`spiffe://${trustDomain}/workload/orders-web`)
    await expect(validateJwt(agent, 'https://other.test.example', token)).rejects.toThrow('audience')
    const plain = { ...asEdge, ...subject }
    const { token: access = '' } = await exchange(dragoman, { by: dragoman.anyone }, plain)
    await expect(validateJwt(agent, orders, access)).rejects.toThrow()
  })
})
