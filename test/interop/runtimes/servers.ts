import { existsSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { programOf } from '../../runtimes/programs.ts'

/** The built server, on each runtime that runs it as it is. */

const built = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

const main = (): string => {
  if (!existsSync(built)) throw new Error('these tests need the build: npm run build')
  return built
}

export const servers: readonly (readonly [string, () => readonly [string, ...string[]]])[] = [
  ['node', () => [process.execPath, main()]],
  ['deno', () => [programOf('deno').command, 'run', '-A', '--no-prompt', main()]],
  ['bun', () => [programOf('bun').command, 'run', main()]],
]
