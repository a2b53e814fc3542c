import process from 'node:process'
import * as z from 'zod'
import { keyKinds } from '../certificates/toolkit.ts'
import type { SpireWorld } from './world.ts'

/** The SPIRE servers and the agent that `npm run test:interop` has started. */

const environment = z.object({ DRAGOMAN_TEST_SPIRE: z.string() })

const startedBy = environment.safeParse(process.env)
if (!startedBy.success) throw new Error('these tests need SPIRE: npm run test:interop starts it')

const place = z.object({ program: z.string(), socket: z.string() })

const server = place.extend({ trustDomain: z.string(), port: z.number(), bundleUrl: z.url() })

const issued = z.object({ kind: z.enum(keyKinds), certificate: z.string(), key: z.string() })

const world = z.object({ server, agent: place, partner: server, nested: server, webAuthority: issued })

export const spire: SpireWorld = world.parse(JSON.parse(startedBy.data.DRAGOMAN_TEST_SPIRE))
