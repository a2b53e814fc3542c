import type { Seconds } from '../../domain/time.ts'
import type { StoredKey } from '../../mint/stored-key.ts'
import { readKeys } from './key-folder.ts'

/** Who is told of a change. */
export interface KeyWatcher {
  /** The keys as they are now. When it throws, they count as not taken over and are offered again. */
  changed(keys: readonly StoredKey[]): void | Promise<void>
  /** Why the folder cannot be used as it is; what was known stays in force. Said once until it changes. */
  failed(message: string): void
}

/** A watch that runs until it is closed. */
export interface KeyWatch {
  close(): void
}

/**
 * Looks into `folder` every few seconds and reports when its keys are no longer those that `known` has. Looking works
 * on every file system, unlike notifications, and two seconds are soon enough for a rotation. A folder without any key
 * counts as a fault: it is more likely a volume that went away than a wish to stop.
 */
export const watchKeys = (
  folder: string,
  known: readonly StoredKey[],
  watcher: KeyWatcher,
  every: Seconds = 2,
): KeyWatch => {
  let current = JSON.stringify(known)
  let lastFault: string | undefined
  let closed = false

  const look = async (): Promise<void> => {
    const keys = await readKeys(folder)
    const text = JSON.stringify(keys)
    if (text === current || closed) return
    if (keys.length === 0) throw new Error(`there is no key in ${folder} any more; put one there`)
    await watcher.changed(keys)
    current = text
  }

  const report = (cause: unknown): void => {
    const fault = cause instanceof Error ? cause.message : 'the keys cannot be read'
    if (fault !== lastFault && !closed) watcher.failed(fault)
    lastFault = fault
  }

  const round = async (): Promise<void> => {
    try {
      await look()
      lastFault = undefined
    } catch (cause) {
      report(cause)
    }
    if (!closed) timer = schedule()
  }

  const schedule = () => setTimeout(() => void round(), every * 1_000).unref()
  let timer = schedule()

  return {
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
