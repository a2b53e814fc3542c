import { serve } from '@hono/node-server'
import { Hono } from 'hono'

/** The smallest server that the same libraries allow, on the port that it is told: what a start costs at least. */

const app = new Hono().get('/readyz', (context) => context.text('ready'))

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.argv[2]) })
