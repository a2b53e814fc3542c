import type { Expectation, Shot } from './doctor-expectations.ts'
import type { Remedy } from './doctor-fix.ts'
import type { Kit } from './doctor-shots.ts'

export type Severity = 'high' | 'medium' | 'low'

/** A trick, and what must come of it. */
export interface Probe {
  readonly name: string
  readonly severity: Severity
  readonly expectation: Expectation
  /** What it means when the expectation does not hold, for whoever runs the gateway. */
  readonly why: string
  readonly remedy: Remedy
  /** None: it takes a token, and none was given. */
  readonly shots: (kit: Kit) => readonly Shot[]
}
