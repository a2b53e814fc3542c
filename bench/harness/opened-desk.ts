import type { Desk } from '../../src/desk.ts'
import type { ServerOptions } from '../../src/runtimes/node/server-options.ts'

/** A desk of dragoman's own build, opened from documents, for work that has no listener in it. */

export const built = <Module>(path: string): Promise<Module> =>
  import(new URL(`../../dist/${path}`, import.meta.url).href)

const { openDesk } = await built<typeof import('../../src/desk.ts')>('desk.js')
const { silentMeters } = await built<typeof import('../../src/ports/meters.ts')>('ports/meters.js')
const { importKeyring } = await built<typeof import('../../src/mint/keyring.ts')>('mint/keyring.js')
const { newStoredKey } = await built<typeof import('../../src/mint/stored-key.ts')>('mint/stored-key.js')
const { composePorts, deploymentOf, openState } =
  await built<typeof import('../../src/runtimes/node/composition.ts')>('runtimes/node/composition.js')
const { loadTrust } = await built<typeof import('../../src/trust.ts')>('trust.js')

/** Files that documents name lie in `folder`. `dev` lets plain http reach this machine. */
export interface DeskSetup {
  readonly folder: string
  readonly documents: readonly object[]
  readonly issuer: string
  readonly world: 'serve' | 'dev'
}

const optionsOf = ({ folder, world }: DeskSetup): ServerOptions => ({
  trustMaps: folder,
  keys: folder,
  host: '127.0.0.1',
  port: 0,
  adminHost: '127.0.0.1',
  adminPort: 0,
  state: ':memory:',
  audit: 'none',
  world,
  log: { info: () => undefined, warn: () => undefined },
})

export const openedDesk = async (setup: DeskSetup): Promise<Desk> => {
  const options = optionsOf(setup)
  const state = await openState(options.state, options.log)
  const live: Parameters<typeof composePorts>[4] = { stopping: false }
  const ports = composePorts(options, state, { record: () => undefined }, silentMeters, live)
  const key = await newStoredKey('ES256', ports.clock.now(), ports)
  live.keyring = await importKeyring([{ ...key, activeFrom: 0 }], ports.signatures)
  const files = setup.documents.map((document, n) => ({ name: `${n}.yaml`, text: JSON.stringify(document) }))
  const reading = { world: setup.world, insecureLoopback: setup.world === 'dev', digest: ports.digest }
  const { trust, faults } = await loadTrust(files, reading)
  if (trust === undefined) throw new Error(JSON.stringify(faults))
  const opened = await openDesk(trust, deploymentOf(options, setup.issuer, ports, live))
  if (!('desk' in opened)) throw new Error(JSON.stringify(opened.faults))
  return opened.desk
}
