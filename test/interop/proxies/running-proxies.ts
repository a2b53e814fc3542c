import process from 'node:process'
import * as z from 'zod'
import type { Programs } from './installation.ts'

/** The proxies that `npm run test:interop` has installed. */

const environment = z.object({ DRAGOMAN_TEST_PROXIES: z.string() })

const found = environment.safeParse(process.env)
if (!found.success) throw new Error('these tests need proxies: npm run test:interop installs them')

const programsOf = z.object({ nginx: z.string(), haproxy: z.string(), envoy: z.string() })

export const programs: Programs = programsOf.parse(JSON.parse(found.data.DRAGOMAN_TEST_PROXIES))
