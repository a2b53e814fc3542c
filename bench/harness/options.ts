import { parseArgs } from 'node:util'

/** How thorough a run is. */
export type Pace = 'full' | 'quick'

/** What a run of the bench was asked to do. */
export interface Options {
  /** Names of the scenarios to run; empty means all. */
  readonly scenarios: readonly string[]
  readonly pace: Pace
  /** Measured rounds; every contender gets one slice a round. */
  readonly rounds: number
  /** Rounds before the measured ones, for compilers and caches to settle. */
  readonly warmUpRounds: number
  readonly warmUpSeconds: number
  /** Length of a slice. */
  readonly seconds: number
  /** Subject tokens signed in advance. A slice ends early when its share of them is spent. */
  readonly tokens: number
  /** Exit with 1 when a ratio is 10 % under its expected one. */
  readonly check: boolean
  /** Make the ratios of this run the expected ones. */
  readonly record: boolean
  /** Leave dragoman out. */
  readonly referencesOnly: boolean
}

const usage = `usage: node bench/run.ts [NAME ...] [options]

  --rounds N          measured rounds (7)
  --seconds N         length of a slice in seconds (1)
  --quick             under a minute: 3 rounds of 0.4 seconds
  --check             exit 1 when a ratio is 10 % under bench/expected.json
  --record            write the ratios of this run to bench/expected.json
  --references-only   measure the reference points without dragoman
`

/** Reads the command line. Throws an Error that says what is wrong and how to use it. */
export const readOptions = (args: readonly string[]): Options => {
  try {
    return optionsFrom(args)
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`, { cause: error })
  }
}

const optionsFrom = (args: readonly string[]): Options => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      'references-only': { type: 'boolean', default: false },
    },
  })
  const usual = values.quick
    ? { rounds: 3, warmUpRounds: 1, warmUpSeconds: 0.8, seconds: 0.4, tokens: 10_000 }
    : { rounds: 7, warmUpRounds: 2, warmUpSeconds: 3, seconds: 1, tokens: 36_000 }
  return {
    ...usual,
    pace: values.quick ? 'quick' : 'full',
    scenarios: positionals,
    rounds: numberWithin('--rounds', values.rounds, usual.rounds, 1, 50),
    seconds: numberWithin('--seconds', values.seconds, usual.seconds, 0.1, 10),
    check: values.check,
    record: values.record,
    referencesOnly: values['references-only'],
  }
}

const numberWithin = (name: string, text: string | undefined, usual: number, least: number, most: number): number => {
  const value = text === undefined ? usual : Number(text)
  if (!(value >= least && value <= most)) throw new Error(`${name} must be a number from ${least} to ${most}`)
  return name === '--rounds' ? Math.round(value) : value
}
