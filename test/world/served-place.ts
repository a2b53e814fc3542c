import { createApp } from '../../src/http/app.ts'
import { callerOf } from '../../src/runtimes/node/caller.ts'
import { listen } from '../../src/runtimes/node/listener.ts'
import { shortcutTo } from '../../src/runtimes/node/shortcut.ts'
import type { TlsMaterial } from '../../src/runtimes/node/tls.ts'
import { testAdmission } from './admission.ts'
import { openPlace, type Place, type PlaceOptions } from './place.ts'

/** A place that listens on loopback. */
export interface ServedPlace extends Place {
  readonly url: string
  stop(): Promise<void>
}

export interface ServedPlaceOptions extends PlaceOptions {
  /** Speak TLS with this certificate; `clientCa` as the option of the same name of `serve`. */
  readonly tls?: TlsMaterial & { readonly clientCa?: string }
  readonly maxInFlight?: number
}

const tlsOf = ({ clientCa, ...material }: NonNullable<ServedPlaceOptions['tls']>) => ({
  material,
  files: { cert: '', key: '', ...(clientCa === undefined ? {} : { clientCa }) },
})

/** Opens a place and serves it as the Node runtime does, over real HTTP on a free port. */
export const servePlace = async (options: ServedPlaceOptions): Promise<ServedPlace> => {
  const place = await openPlace(options)
  const desk = () => place.desk
  const app = createApp(desk, callerOf)
  const tls = options.tls === undefined ? {} : { tls: tlsOf(options.tls) }
  const listener = await listen(app.fetch, '127.0.0.1', 0, {
    shortcut: shortcutTo(desk, testAdmission(options.maxInFlight)),
    ...tls,
  })
  const scheme = options.tls === undefined ? 'http' : 'https'
  return { ...place, url: `${scheme}://127.0.0.1:${listener.port}`, stop: () => listener.close(1) }
}
