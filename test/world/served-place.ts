import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { createApp } from '../../src/http/app.ts'
import { openPlace, type Place, type PlaceOptions } from './place.ts'

/** A place that listens on loopback. */
export interface ServedPlace extends Place {
  readonly url: string
  stop(): Promise<void>
}

/** Opens a place and serves it over real HTTP on a free port. */
export const servePlace = async (options: PlaceOptions): Promise<ServedPlace> => {
  const place = await openPlace(options)
  const app = createApp(() => place.desk)
  const { server, port } = await new Promise<{ server: ReturnType<typeof serve>; port: number }>((resolve) => {
    const started = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, (info: AddressInfo) =>
      resolve({ server: started, port: info.port }),
    )
  })
  return {
    ...place,
    url: `http://127.0.0.1:${port}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
