import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import type { Fault } from '../domain/fault.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { readDocuments } from '../runtimes/node/document-folder.ts'
import { loadTrust, type SourceFile, type Trust } from '../trust.ts'
import { CommandError } from './exit-codes.ts'

/** The documents that a command was pointed at. File names are as a shell would find them. */
export interface Gathered {
  readonly files: readonly SourceFile[]
  readonly texts: ReadonlyMap<string, string>
  /** Was the command asked about this file, or is it only there because others refer to it? */
  readonly isAsked: (file: string) => boolean
}

/**
 * Reads the documents at `paths`. A folder counts with all below it. A single file is read together with the others of
 * its folder, since documents refer to one another.
 *
 * @throws CommandError when there is nothing at a path, or no document at all
 */
export const gather = async (paths: readonly string[]): Promise<Gathered> => {
  const found = await Promise.all(paths.map(filesAt))
  const files = [...new Map(found.flatMap((one) => one.files).map((file) => [file.name, file])).values()]
  if (files.length === 0)
    throw new CommandError(`there are no documents in ${paths.join(', ')}; write one: dragoman init --issuer URL`)
  const asked = new Set(found.flatMap((one) => one.asked))
  return { files, texts: new Map(files.map(({ name, text }) => [name, text])), isAsked: (file) => asked.has(file) }
}

interface Found {
  readonly files: readonly SourceFile[]
  readonly asked: readonly string[]
}

const filesAt = async (path: string): Promise<Found> => {
  if (await isFolder(path)) {
    const files = (await readDocuments(path)).map(({ name, text }) => ({ name: join(path, name), text }))
    return { files, asked: files.map(({ name }) => name) }
  }
  const folder = dirname(path)
  const neighbours = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).map((name) => join(folder, name))
  const names = [...new Set([normalize(path), ...neighbours])]
  const files = await Promise.all(names.map(async (name) => ({ name, text: await readFile(name, 'utf8') })))
  return { files, asked: [normalize(path)] }
}

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw new CommandError(`there is no ${path}; name a folder with documents, or one of them`, undefined, { cause })
  }
}

/** What was found when documents were judged. */
export interface Judged {
  /** There only when no fault was found. */
  readonly trust?: Trust
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/**
 * Judges documents as `serve` would, and those of the demo world as `dev` would. `insecureLoopback` permits plain http
 * to this machine in all of them.
 */
export const judge = async (
  files: readonly SourceFile[],
  options: { readonly insecureLoopback: boolean },
): Promise<Judged> => {
  const digest = createNodeDigest()
  const inDev = await loadTrust(files, { world: 'dev', insecureLoopback: true, digest })
  const inServe = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
  const faults = options.insecureLoopback ? inDev.faults : distinct([...inDev.faults, ...inServe.faults])
  const { trust, warnings } = inDev
  return faults.length > 0 || trust === undefined ? { faults, warnings } : { trust, faults, warnings }
}

const distinct = (faults: readonly Fault[]): readonly Fault[] => {
  const byText = new Map(faults.map((fault) => [JSON.stringify(fault), fault]))
  return [...byText.values()].toSorted(byPlace)
}

const byPlace = ({ location: a }: Fault, { location: b }: Fault): number =>
  a.file.localeCompare(b.file, 'en') || a.line - b.line || a.column - b.column
