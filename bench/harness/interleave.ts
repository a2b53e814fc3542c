import type { Contender, Sample } from './contender.ts'

/** How often and how long everybody is measured. */
export interface Timing {
  readonly rounds: number
  readonly warmUpRounds: number
  readonly seconds: number
  /** Length of a slice of warming up: compilers take some ten thousand requests to settle. */
  readonly warmUpSeconds: number
}

/** The samples of each contender, one a round, in the order of the rounds. */
export type Samples = ReadonlyMap<string, readonly Sample[]>

/**
 * Gives every contender one slice a round, so that whatever the machine does meanwhile befalls them all. The order turns
 * from round to round: nobody always follows the same neighbour.
 */
export const interleave = async (contenders: readonly Contender[], timing: Timing): Promise<Samples> => {
  const samples = new Map(contenders.map(({ name }) => [name, [] as Sample[]]))
  for (let round = -timing.warmUpRounds; round < timing.rounds; round += 1) {
    for (const contender of turned(contenders, round + timing.warmUpRounds)) {
      const warmingUp = round < 0
      const sample = await contender.slice(warmingUp ? timing.warmUpSeconds : timing.seconds)
      if (!warmingUp) samples.get(contender.name)?.push(sample)
    }
  }
  return samples
}

const turned = <T>(values: readonly T[], by: number): readonly T[] => {
  const start = by % Math.max(1, values.length)
  return [...values.slice(start), ...values.slice(0, start)]
}
