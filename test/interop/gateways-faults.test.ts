import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { makeCertificates } from './gateways/certificates.ts'
import { type GatewayName, gatewayNames } from './gateways/names.ts'
import { ask, askAsAda, bearer, type Outcome, type Scene, startScene } from './gateways/scene.ts'

/** Real gateways while dragoman is in trouble, and how many connections they need otherwise. */

const folder = newFolder()
const scenes = new Map<GatewayName, Scene>()

beforeAll(async () => {
  const certificates = await makeCertificates(join(folder, 'certificates'))
  const starting = gatewayNames.map(async (name) => scenes.set(name, await startScene(name, folder, certificates)))
  for (const one of await Promise.allSettled(starting)) if (one.status === 'rejected') throw one.reason
})

afterAll(async () => {
  await Promise.all([...scenes.values()].map(({ stop }) => stop()))
  removeFolder(folder)
})

const sceneOf = (name: GatewayName): Scene => {
  const scene = scenes.get(name)
  if (scene === undefined) throw new Error(`${name} was not started`)
  return scene
}

/** How long a client of theirs waits at most for dragoman, in milliseconds. Traefik's 30 s cannot be changed. */
const longestWait: Readonly<Record<GatewayName, number>> = {
  nginx: 4_000,
  'ingress-nginx': 4_000,
  haproxy: 7_000,
  caddy: 4_000,
  traefik: 32_000,
  'envoy-http': 4_000,
  'envoy-grpc': 4_000,
}

/** Closed, and not by a verdict on the client. */
const expectClosed = ({ status, arrivals }: Outcome) => {
  expect(arrivals).toEqual([])
  expect([403, 500, 502, 503, 504]).toContain(status)
}

const expectOpen = ({ status, arrivals }: Outcome) => {
  expect(status).toBe(200)
  expect(arrivals).toHaveLength(1)
}

const expectRecovery = (scene: Scene) =>
  expect.poll(async () => (await askAsAda(scene)).status, { timeout: 15_000 }).toBe(200)

describe.each(gatewayNames)('%s', (name) => {
  const asksOverFewConnections = async () => {
    const scene = sceneOf(name)
    expectOpen(await askAsAda(scene))
    const forged = bearer(await scene.issuer.forged())
    const before = scene.relay.taken()
    for (let round = 0; round < 10; round += 1) {
      expectOpen(await askAsAda(scene))
      expect(await ask(scene, { lines: [forged] })).toMatchObject({ status: 401, arrivals: [] })
      expect(await ask(scene)).toMatchObject({ status: 401, arrivals: [] })
      expect(await askAsAda(scene, { method: 'DELETE' })).toMatchObject({ status: 403, arrivals: [] })
    }
    expect(scene.relay.taken() - before).toBeLessThanOrEqual(1)
  }
  // ingress-nginx opens one for each question, unless its HTTP/2 is turned off.
  if (name !== 'ingress-nginx')
    it('asks over a connection that it has, whether dragoman lets requests pass or not', asksOverFewConnections)

  it('lets nothing pass while dragoman is not there, not even as anonymous, and recovers', async () => {
    const scene = sceneOf(name)
    await scene.relay.refuse()
    expectClosed(await askAsAda(scene))
    expectClosed(await ask(scene, { target: '/public/prices' }))
    await scene.relay.restore()
    await expectRecovery(scene)
  })

  it('goes on when dragoman was restarted, somewhere else', async () => {
    const scene = sceneOf(name)
    await scene.restart.stop()
    expectClosed(await askAsAda(scene))
    await scene.restart.start()
    await expectRecovery(scene)
    expect(await ask(scene)).toMatchObject({ status: 401, arrivals: [] })
  })
})

/** All together, since that takes as long as the slowest. */
it('all wait for dragoman only so long, let nothing pass, and recover', async () => {
  const waited = gatewayNames.map(async (name) => {
    const scene = sceneOf(name)
    expectOpen(await askAsAda(scene))
    scene.relay.stall()
    const start = performance.now()
    const patience = longestWait[name] + 1_000
    for (const outcome of await Promise.all([
      askAsAda(scene, { patience }),
      ask(scene, { target: '/public/prices', patience }),
    ]))
      expectClosed(outcome)
    const time = performance.now() - start
    await scene.relay.restore()
    await expectRecovery(scene)
    return { name, isInTime: time < longestWait[name], time: Math.round(time) }
  })
  const all = await Promise.all(waited)
  expect(all).toEqual(gatewayNames.map((name) => ({ name, isInTime: true, time: expect.any(Number) })))
})
