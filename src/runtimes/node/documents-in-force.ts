import { type Deployment, openDesk, prefetch } from '../../desk.ts'
import type { Fault } from '../../domain/fault.ts'
import type { SweptKeySets } from '../../sources/key-sets.ts'
import { loadTrust } from '../../trust.ts'
import { type DocumentWatch, readDocuments, watchDocuments } from './document-folder.ts'
import { deskOf, type Live } from './live.ts'
import type { InsideOptions } from './server-options.ts'

/** The documents cannot be put into force. */
export class FaultyDocuments extends Error {
  readonly faults: readonly Fault[]
  readonly texts: ReadonlyMap<string, string>

  constructor(faults: readonly Fault[], texts: ReadonlyMap<string, string>) {
    super(`the documents have ${faults.length} fault(s)`)
    this.name = 'FaultyDocuments'
    this.faults = faults
    this.texts = texts
  }
}

type Reloading = Deployment & { readonly keySets: SweptKeySets }

/**
 * Puts the documents into force and keeps looking for changes. Looking begins before they are read, so that no change
 * falls between the two.
 *
 * @throws FaultyDocuments; Error when the folder cannot be read
 */
export const openDocuments = async (
  options: InsideOptions,
  deployment: Reloading,
  live: Live,
): Promise<DocumentWatch> => {
  const first = Promise.withResolvers<void>()
  const watch = await watchDocuments(options.trustMaps, async () => {
    await first.promise
    await reload(options, deployment, live)
  })
  try {
    await load(options, deployment, live)
  } catch (cause) {
    watch.close()
    throw cause
  }
  first.resolve()
  return watch
}

const load = async (options: InsideOptions, deployment: Reloading, live: Live): Promise<void> => {
  const own = options.documents ?? []
  const found = await readDocuments(options.trustMaps)
  const files = [...found.filter(({ name }) => !own.some((other) => other.name === name)), ...own]
  const loaded = await loadTrust(files, {
    world: options.world,
    insecureLoopback: options.world === 'dev',
    digest: deployment.ports.digest,
  })
  const texts = new Map(files.map(({ name, text }) => [name, text]))
  if (loaded.trust === undefined) throw new FaultyDocuments(loaded.faults, texts)
  const opened = await openDesk(loaded.trust, deployment)
  if (!('desk' in opened)) throw new FaultyDocuments(opened.faults, texts)
  for (const notice of loaded.notices) options.log.info(notice)
  for (const warning of loaded.warnings) options.log.warn('a document is weak', { because: inOneLine(warning) })
  live.desk = opened.desk
  deployment.keySets.sweep()
}

/** Takes a change over, or says what is wrong with it and stays with what was in force. */
const reload = async (options: InsideOptions, deployment: Reloading, live: Live): Promise<void> => {
  try {
    await load(options, deployment, live)
    options.log.info('the documents have changed', { version: deskOf(live).trust.version })
    await prefetch(deskOf(live))
  } catch (cause) {
    const faults = cause instanceof FaultyDocuments ? cause.faults : []
    const version = deskOf(live).trust.version
    options.log.warn('the documents have changed but cannot be used; the last good version stays in force', {
      version,
      because: cause instanceof Error ? cause.message : 'unknown',
      faults: faults.map(inOneLine),
    })
  }
}

const inOneLine = ({ location, path, message, fix }: Fault): string =>
  `${location.file}:${location.line}:${location.column} ${path}: ${message}${fix === undefined ? '' : `; ${fix}`}`
