import process from 'node:process'
import * as z from 'zod'
import type { Programs } from './installation.ts'

/** The gateways that `npm run test:gateways` has installed. */

const environment = z.object({ DRAGOMAN_TEST_GATEWAYS: z.string() })

const found = environment.safeParse(process.env)
if (!found.success) throw new Error('these tests need gateways: npm run test:gateways installs them')

const programsOf = z.object({
  nginx: z.string(),
  haproxy: z.string(),
  caddy: z.string(),
  traefik: z.string(),
  envoy: z.string(),
})

export const programs: Programs = programsOf.parse(JSON.parse(found.data.DRAGOMAN_TEST_GATEWAYS))
