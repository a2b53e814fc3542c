import { type Admission, createAdmission, usualMaxInFlight } from '../../src/runtimes/node/admission.ts'
import { createNodePulse } from '../../src/runtimes/node/platform.ts'

/** Admits requests as a server does; nobody hears its complaints. */
export const testAdmission = (maxInFlight = usualMaxInFlight): Admission =>
  createAdmission({
    maxInFlight,
    pulse: createNodePulse(),
    log: { info: () => undefined, warn: () => undefined },
  })
