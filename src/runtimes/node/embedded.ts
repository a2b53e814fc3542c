import type { Hono } from 'hono'
import { createAdminApp } from '../../http/admin.ts'
import { createApp } from '../../http/app.ts'
import type { Log } from '../../ports/log.ts'
import { callerOf } from './caller.ts'
import { closeAll, openInside, wholly } from './inside.ts'
import { deskOf } from './live.ts'
import type { InsideOptions } from './server-options.ts'

/** What an embedded dragoman is told; what is left out is as for `dragoman serve`. */
export interface DragomanOptions extends Partial<Omit<InsideOptions, 'trustMaps' | 'keys' | 'onTrace'>> {
  /** Our issuer identifier: the URL under whose root the application is reached. */
  readonly issuer: string
  /** The folder with the documents. */
  readonly trustMaps: string
  /** The folder with the signing keys. */
  readonly keys: string
}

/** dragoman as a part of another program, which listens for it. */
export interface Dragoman {
  /**
   * The public endpoints, for the root of a host: `app.route('/', dragoman.app)`. With @hono/node-server the certificates of
   * clients and the addresses of callers are seen, elsewhere neither.
   */
  readonly app: Hono
  /** `/livez`, `/readyz` and `/metrics`, which are nobody's business outside. */
  readonly admin: Hono
  /** Ends what goes on by itself, and the connection to the state. */
  close(): Promise<void>
}

const silent: Log = { info: () => undefined, warn: () => undefined }

/**
 * Opens dragoman without listening. Documents and keys are followed while it is open.
 *
 * @throws FaultyDocuments; Error when a key cannot be used, or the state cannot be opened
 */
export const createDragoman = ({ issuer, ...options }: DragomanOptions): Promise<Dragoman> =>
  wholly(async (opened) => {
    const usual = { state: 'state/dragoman.db', audit: '-', world: 'serve', log: silent } as const
    const inside = await openInside({ ...usual, ...options }, opened)
    const { live, meters } = inside
    await inside.putIntoForce(issuer)
    return {
      app: createApp(() => deskOf(live), callerOf),
      admin: createAdminApp(
        () => live.desk,
        () => live.stopping,
        () => meters.text(),
      ),
      close() {
        live.stopping = true
        return closeAll(opened)
      },
    }
  })
