import { createServer, type RequestListener } from 'node:http'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { portOf } from '../harness/readiness.ts'

/** Serves `listener` on a free loopback port. */
export const listen = async (listener: RequestListener): Promise<{ port: number }> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: portOf(server) }
}

/** Serves `app` on a free loopback port, as Hono's own adapter does it. */
export const listenHono = (app: Hono): Promise<{ port: number }> =>
  new Promise((resolve) => {
    serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => resolve({ port }))
  })
