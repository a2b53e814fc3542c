import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { isOnPath, must, type Place, run } from './command.ts'

/** Programs that are to be had as Go modules only, built here; the module proxy's checksums are checked by `go`. */

const downloaded = z.object({ Dir: z.string() })

/** A copy of a module at `folder`, in which files may be changed. */
export const copyModule = (module: string, version: string, folder: string): void => {
  const { ok, said } = run('go', ['mod', 'download', '-json', `${module}@${version}`], { cwd: '/' })
  if (!ok) throw new Error(`fetching ${module} failed:\n${said.slice(-4000)}`)
  const { Dir: kept } = downloaded.parse(JSON.parse(said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1)))
  cpSync(kept, folder, { recursive: true })
  must(`opening ${folder}`, 'chmod', ['-R', 'u+w', folder])
}

/** A file of a module, in a folder that need not be there yet. */
export const writeModuleFile = (folder: string, file: string, text: string): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, file), text)
}

/** A module of the given files in place of one that is not to be had. */
export const writeModule = (folder: string, name: string, file: string, text: string): void => {
  writeModuleFile(folder, 'go.mod', `module ${name}\n\ngo 1.24\n`)
  writeModuleFile(folder, file, text)
}

/** @throws Error that names what is to be built when there is no Go */
export const ensureGo = (what: string, version: string): void => {
  if (!isOnPath('go')) throw new Error(`${what} is built from its Go module: install Go ${version} or newer`)
}

const build = ['build', '-trimpath', '-ldflags', '-s -w']

/** Builds `packages` into `programs`, a folder or a file. */
export const buildPrograms = (what: string, programs: string, packages: readonly string[], place: Place): void =>
  must(`building ${what}`, 'go', [...build, '-o', programs, ...packages], place)
