import type { Probe } from './doctor-probe.ts'
import { headerProbes } from './doctor-probes-headers.ts'
import { requestProbes } from './doctor-probes-requests.ts'
import { tokenProbes } from './doctor-probes-tokens.ts'

/** All that `doctor gateway` tries, in this order. */
export const probes: readonly Probe[] = [...tokenProbes, ...headerProbes, ...requestProbes]
