import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { outputOf } from '../command.ts'
import { freePort, startDaemon } from '../daemon.ts'
import { type Redis, startRedis } from './redis.ts'

/** Redis as a cluster of three masters, and as a master whose place a replica takes. */

export interface Topology {
  /** For `--state`. */
  readonly location: string
  readonly servers: readonly Redis[]
  readonly stop: () => Promise<void>
}

export const startCluster = async (): Promise<Topology> => {
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' }
  const servers = await Promise.all([0, 1, 2].map(() => startRedis({ settings })))
  const hosts = servers.map(({ port }) => `127.0.0.1:${port}`)
  await outputOf('redis-cli', ['--cluster', 'create', ...hosts, '--cluster-replicas', '0', '--cluster-yes'])
  for (const server of servers)
    await until(async () => (await server.ask('cluster', 'info')).includes('cluster_state:ok'))
  return {
    location: `redis+cluster://${hosts.join(',')}`,
    servers,
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  }
}

export const startSentinel = async (): Promise<Topology> => {
  const master = await startRedis()
  const replica = await startRedis({ settings: { replicaof: `127.0.0.1 ${master.port}` } })
  await until(async () => (await replica.ask('info', 'replication')).includes('master_link_status:up'))
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-sentinel-'))
  const port = await freePort()
  const file = join(folder, 'sentinel.conf')
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${folder}`,
    `sentinel monitor orders 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds orders 1000',
    'sentinel failover-timeout orders 3000',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const ask = (...words: readonly string[]) => outputOf('redis-cli', ['-p', String(port), ...words])
  const daemon = await startDaemon({
    name: 'Redis Sentinel',
    command: ['redis-server', file, '--sentinel'],
    log: join(folder, 'sentinel.log'),
    longestLife: 300,
    longestStart: 20,
    isReady: async () => {
      try {
        return (await ask('sentinel', 'replicas', 'orders')).includes(String(replica.port))
      } catch {
        return false
      }
    },
  })
  return {
    location: `redis+sentinel://127.0.0.1:${port}/orders`,
    servers: [master, replica],
    async stop() {
      await daemon.stop()
      await Promise.all([master.stop(), replica.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (let waited = 0; waited < 20_000; waited += 100) {
    if (await isSo()) return
    await sleep(100)
  }
  throw new Error('it did not come about within 20 s')
}
