import type { Dialect } from './dialect.ts'

/** Whoever describes requests on their way out at /v1/egress and puts the answer on them itself. */
export const json: Dialect = {
  kind: 'json',
  can: { tooManyRequests: true, outage: 503, removal: true, certificate: false, caching: false, signing: true },
  isOutwardOnly: true,
  departures: {},
}
