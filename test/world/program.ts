import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { hasEnded, patience, stopped, within } from './child-process.ts'

/** The program `dragoman` as a process of its own, the way a shell starts it. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const main = join(root, 'src/cli/main.ts')

/** The folder of the documents that come with dragoman. */
export const shippedTrustMaps = join(root, 'trust-maps')

export interface ProgramOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** What it reads from standard input; by default nothing. */
  readonly input?: string
}

export interface Program {
  readonly out: () => string
  readonly err: () => string
  /** Waits until what it wrote, to either, matches. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly stop: (signal?: NodeJS.Signals) => Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly ended: Promise<number | null>
}

/** A plain environment: none of the settings of whoever runs the tests. */
const environment = (own: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  ...own,
})

/** Starts it. It is stopped at the end of the test at the latest. */
export const startProgram = (
  words: readonly string[],
  { cwd = root, env = {}, input }: ProgramOptions = {},
): Program => {
  const child = spawn(process.execPath, [main, ...words], {
    cwd,
    env: environment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const written = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    written.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    written.err += chunk.toString()
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input ?? '')
  const ended = once(child, 'close').then(() => child.exitCode)
  onTestFinished(async () => void (await stopped(child, 'SIGKILL')))
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const deadline = performance.now() + patience
    for (;;) {
      const found = pattern.exec(written.out) ?? pattern.exec(written.err)
      if (found !== null) return found
      if (hasEnded(child) || performance.now() > deadline)
        throw new Error(`it did not say ${String(pattern)}:\n${written.out}\n${written.err}`)
      await sleep(20)
    }
  }
  return { out: () => written.out, err: () => written.err, said, ended, stop: (signal) => stopped(child, signal) }
}

/** Runs it to its end. */
export const runProgram = async (words: readonly string[], options: ProgramOptions = {}) => {
  const program = startProgram(words, options)
  const code = await within(patience, `dragoman ${words.join(' ')}`, program.ended)
  return { code, out: program.out(), err: program.err() }
}

/** A new folder that is gone after the test. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
