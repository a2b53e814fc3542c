import type { Seconds } from '../domain/time.ts'

/** How long the fixture of a policy test is good for that does not say. */
export const assumedLifetime: Seconds = 300
