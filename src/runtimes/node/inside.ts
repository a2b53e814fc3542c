import { prefetch } from '../../desk.ts'
import { importKeyring } from '../../mint/keyring.ts'
import { newStoredKey } from '../../mint/stored-key.ts'
import type { Ports } from '../../ports/ports.ts'
import { composePorts, deploymentOf, openAudit, openState } from './composition.ts'
import { openDocuments } from './documents-in-force.ts'
import { readKeys, writeKey } from './key-folder.ts'
import { watchKeys } from './key-watch.ts'
import { deskOf, type Live } from './live.ts'
import { createNodeMeters, type NodeMeters } from './meters.ts'
import type { InsideOptions } from './server-options.ts'

/** All of a deployment but the ports at which it is reached. */
export interface Inside {
  readonly live: Live
  readonly meters: NodeMeters
  /**
   * Puts the documents into force, follows them from then on, and gives issuers a moment to hand over their keys.
   *
   * @throws FaultyDocuments
   */
  putIntoForce(issuer: string): Promise<void>
}

/** Closes one thing that was opened. */
export type Closing = () => void | Promise<void>

/** What was opened last is closed first, so that nothing loses what it stands on; and everything once. */
export const closeAll = async (opened: Closing[]): Promise<void> => {
  for (const close of opened.splice(0).toReversed()) await close()
}

/** Opens all of what `open` opens, or closes what it had opened when it fails. */
export const wholly = async <T>(open: (opened: Closing[]) => Promise<T>): Promise<T> => {
  const opened: Closing[] = []
  try {
    return await open(opened)
  } catch (cause) {
    await closeAll(opened)
    throw cause
  }
}

/** How long a start waits for issuers' keys, in seconds. */
const prefetchPatience = 2

/**
 * Opens state, audit log and keys. What is opened is added to `opened`, also when opening fails half-way.
 *
 * @throws Error when a key cannot be used, or the state cannot be opened
 */
export const openInside = async (options: InsideOptions, opened: Closing[]): Promise<Inside> => {
  const live: Live = { stopping: false }
  const state = await openState(options.state, options.log)
  opened.push(() => state.close())
  const audit = openAudit(options.audit)
  opened.push(() => audit.close())
  const meters = createNodeMeters()
  const ports = composePorts(options, state, audit.log, meters, live)
  const keys = await openKeys(options, ports, live)
  opened.push(() => keys.close())
  return {
    live,
    meters,
    async putIntoForce(issuer) {
      const documents = await openDocuments(options, deploymentOf(options, issuer, ports, live), live)
      opened.push(() => documents.close())
      await atMost(prefetchPatience, prefetch(deskOf(live)))
    },
  }
}

const atMost = (seconds: number, work: Promise<void>): Promise<void> => {
  const { promise: patience, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, seconds * 1_000)
  return Promise.race([work, patience]).finally(() => clearTimeout(timer))
}

const openKeys = async (options: InsideOptions, ports: Ports, live: Live): Promise<{ close(): void }> => {
  const now = ports.clock.now()
  if ((await readKeys(options.keys)).length === 0) {
    if (options.generateKey !== true)
      throw new Error(`no signing key in ${options.keys}; make one: dragoman keys generate --keys ${options.keys}`)
    await writeKey(options.keys, { ...(await newStoredKey('ES256', now, ports)), activeFrom: Math.floor(now) })
  }
  const stored = await readKeys(options.keys)
  live.keyring = await importKeyring(stored, ports.signatures)
  return watchKeys(options.keys, stored, {
    async changed(keys) {
      live.keyring = await importKeyring(keys, ports.signatures)
      options.log.info('the signing keys have changed', { keys: keys.length })
    },
    failed: (message) => options.log.warn('the signing keys stay as they were', { because: message }),
  })
}
