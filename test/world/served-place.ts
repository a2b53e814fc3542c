import { createApp } from '../../src/http/app.ts'
import { listen } from '../../src/runtimes/node/listener.ts'
import { tokenShortcut } from '../../src/runtimes/node/token-shortcut.ts'
import { openPlace, type Place, type PlaceOptions } from './place.ts'

/** A place that listens on loopback. */
export interface ServedPlace extends Place {
  readonly url: string
  stop(): Promise<void>
}

/** Opens a place and serves it as the Node runtime does, over real HTTP on a free port. */
export const servePlace = async (options: PlaceOptions): Promise<ServedPlace> => {
  const place = await openPlace(options)
  const desk = () => place.desk
  const listener = await listen(createApp(desk).fetch, '127.0.0.1', 0, tokenShortcut(desk))
  return { ...place, url: `http://127.0.0.1:${listener.port}`, stop: () => listener.close(1) }
}
