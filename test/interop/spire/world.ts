import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { openssl } from '../certificates/openssl.ts'
import type { Issued } from '../certificates/toolkit.ts'
import type { Daemon } from '../daemon.ts'
import { type SpireAgent, startSpireAgent } from './agent.ts'
import { registerWorkload } from './commands.ts'
import { type SpireServer, startSpireServer } from './server.ts'

/** Trust domains: ours with an agent, and others of which we see the bundle endpoint and what they have minted. */
export interface SpireWorld {
  readonly server: SpireServer
  readonly agent: SpireAgent
  readonly partner: SpireServer
  /** A third, whose authority is below another one. */
  readonly nested: SpireServer
  /** Who vouches for the partner's bundle endpoint, which is `https_web`. Our server believes nobody else of the web. */
  readonly webAuthority: Issued
}

/** The path of the SPIFFE ID that the processes of this user have. */
export const workloadPath = 'orders-web'

/** Certificate and key of a server on the loopback interface, and who vouches for it. */
const servingCertificate = async (folder: string) => {
  const root = await openssl.issue(folder, 'p256', { commonName: 'web root', authority: {} })
  const own = { commonName: 'bundles', names: { ip: ['127.0.0.1'] }, purposes: ['server'] } as const
  return { webAuthority: root, ...(await openssl.issue(folder, 'p256', own, root)) }
}

/** Starts the servers and the agent from the folder `programs`; their output goes to the folder `logs`. */
export const startSpireWorld = async (
  programs: string,
  logs: string,
): Promise<{ world: SpireWorld; stop: () => Promise<void> }> => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-spire-'))
  const started: Daemon[] = []
  const stop = async () => {
    for (const daemon of started.toReversed()) await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const place = (name: string) => ({ folder: join(folder, name), log: join(logs, `${name}.log`) })
  const kept = <T extends Daemon>(daemon: T): T => {
    started.push(daemon)
    return daemon
  }
  try {
    const { webAuthority, ...own } = await servingCertificate(folder)
    const ours = { trustDomain: 'prod.test.example', keyType: 'ec-p256', profile: 'https_spiffe' } as const
    const upstream = await openssl.issue(folder, 'p384', { commonName: 'above', authority: {} })
    const below = { trustDomain: 'nested.test.example', keyType: 'ec-p384', profile: 'https_spiffe', upstream } as const
    const web = { webAuthority: webAuthority.certificate }
    const theirs = { trustDomain: 'partner.test.example', keyType: 'rsa-2048', profile: own } as const
    const server = kept(await startSpireServer(programs, { ...ours, ...web, ...place('server') }))
    await registerWorkload(server, workloadPath, process.getuid?.() ?? 0)
    const agent = kept(await startSpireAgent(programs, server, place('agent')))
    const partner = kept(await startSpireServer(programs, { ...theirs, ...place('partner') }))
    const nested = kept(await startSpireServer(programs, { ...below, ...place('nested') }))
    return { world: { server, agent, partner, nested, webAuthority }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
