import type { Contender } from '../harness/contender.ts'
import type { Comparison } from '../harness/result.ts'
import type { World } from '../harness/world.ts'

/** Something to measure: who takes part, and who is held against dragoman. */
export interface Scenario {
  readonly name: string
  /** The unit of its figures: CPU microseconds a request, or milliseconds. */
  readonly unit: 'us' | 'ms'
  readonly comparisons: readonly Comparison[]
  /** Starts everybody; they all stay alive until the scenario ends. */
  readonly contenders: (world: World) => Promise<readonly Contender[]>
}
