import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Running, type Suite, suites } from './suites.ts'

/**
 * `npm run test:interop -- [SUITE ...] [OPTION ...]`: for each suite, or for all without one, installs what it needs,
 * starts it, runs its tests of the vitest project `interop` against it, and stops it. Options go to vitest. Exit status:
 * 0 all passed, 1 a test failed or a suite could not be run, 2 no such suite.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))

const say = (text: string) => process.stdout.write(`interop: ${text}\n`)

const timed = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
  const start = performance.now()
  const result = await work()
  say(`${what} took ${((performance.now() - start) / 1000).toFixed(1)} s`)
  return result
}

const vitest = async (name: string, options: readonly string[], running: Running): Promise<boolean> => {
  const entry = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  // The files of a suite share what was started for it, and some of them change it.
  const words = ['run', '--project', 'interop', '--no-file-parallelism', `test/interop/${name}`]
  const child = spawn(process.execPath, [entry, ...words, ...options], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...running.environment },
  })
  await once(child, 'exit')
  return child.exitCode === 0
}

/** What is to be stopped when somebody interrupts. */
let present: Running | undefined
const interrupted = () => void Promise.resolve(present?.stop()).finally(() => process.exit(1))
process.once('SIGINT', interrupted)
process.once('SIGTERM', interrupted)

const runSuite = async (name: string, { what, install }: Suite, options: readonly string[]): Promise<boolean> => {
  const start = await timed(`${name}: having ${what}`, install)
  const running = await timed(`${name}: starting`, start)
  present = running
  try {
    return await timed(`${name}: the tests`, () => vitest(name, options, running))
  } finally {
    await timed(`${name}: stopping`, running.stop)
    present = undefined
  }
}

/** Runs a suite whatever becomes of the others; false, said loudly, when it could not be run. */
const attempt = async (name: string, suite: Suite, options: readonly string[]): Promise<boolean> => {
  try {
    return await runSuite(name, suite, options)
  } catch (error) {
    say(`${name}: COULD NOT BE RUN`)
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return false
  }
}

const main = async (words: readonly string[]): Promise<number> => {
  const firstOption = words.findIndex((word) => word.startsWith('-'))
  const named = firstOption < 0 ? words : words.slice(0, firstOption)
  const options = words.slice(named.length)
  const unknown = named.filter((name) => !Object.hasOwn(suites, name))
  if (unknown.length > 0) {
    say(`no suite ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`)
    return 2
  }
  const failed: string[] = []
  for (const [name, suite] of Object.entries(suites)) {
    if (named.length > 0 && !named.includes(name)) continue
    if (!(await attempt(name, suite, options))) failed.push(name)
  }
  say(failed.length === 0 ? 'every suite passed' : `FAILED: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
