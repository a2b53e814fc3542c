import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isOnPath, must } from '../command.ts'
import { buildPrograms, ensureGo } from '../go-modules.ts'
import { madeOnce } from '../made-once.ts'

/** SPIRE from its Go module, built here. */
export const version = 'v1.13.3'

const commands = ['spire-server', 'spire-agent'].map((name) => `github.com/spiffe/spire/cmd/${name}`)

/** SQLite, which keeps the server's registrations, is a C library. */
const ensureTools = (): void => {
  ensureGo('SPIRE', '1.25')
  if (!isOnPath('gcc')) throw new Error('SPIRE is built with SQLite, which is in C: install gcc')
}

/**
 * Builds SPIRE below `cache` unless it is there, and returns the folder of its programs. The module that asks for it is
 * thrown away; `go` keeps what it has fetched and compiled in its own caches.
 */
export const installed = (cache: string): string =>
  madeOnce(join(cache, `spire-${version}`), (beside) => {
    ensureTools()
    const place = { cwd: beside, environment: { CGO_ENABLED: '1' } }
    must('making a module', 'go', ['mod', 'init', 'interop.test/spire'], place)
    must('fetching SPIRE', 'go', ['get', ...commands.map((command) => `${command}@${version}`)], place)
    const programs = join(beside, 'bin')
    mkdirSync(programs)
    buildPrograms('SPIRE', programs, commands, place)
    return programs
  })
