import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { secret } from '../../domain/secret.ts'
import type { Files } from '../../ports/files.ts'
import type { SecretReference, Secrets } from '../../ports/secrets.ts'

const maxFileSize = 4 * 1_048_576
const maxSecretSize = 65_536

/** Files that documents name; relative paths start at `folder`. */
export const createNodeFiles = (folder: string): Files => ({
  read: (path) => readText(resolve(folder, path), maxFileSize),
  readBytes: (path) => readBytes(resolve(folder, path), maxFileSize),
})

/**
 * Secrets from the environment and from files; relative paths start at `folder`. One line break at the end of a file is
 * not part of the secret: editors and `echo` leave it there.
 */
export const createNodeSecrets = (folder: string, environment: NodeJS.ProcessEnv = process.env): Secrets => ({
  async read(reference) {
    const value = await textOf(reference, folder, environment)
    if (value === undefined) throw new Error(`the secret ${nameOf(reference)} is not there`)
    if (value === '') throw new Error(`the secret ${nameOf(reference)} is empty`)
    return secret(value)
  },
})

const textOf = async (
  reference: SecretReference,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> => {
  if ('env' in reference) return Object.hasOwn(environment, reference.env) ? environment[reference.env] : undefined
  if ('file' in reference) return (await readText(resolve(folder, reference.file), maxSecretSize)).replace(/\r?\n$/, '')
  throw new Error('bindings exist on Workers only; name an environment variable or a file')
}

const nameOf = (reference: SecretReference): string => {
  if ('env' in reference) return `of the environment variable ${reference.env}`
  return 'file' in reference ? `in the file ${reference.file}` : `of the binding ${reference.binding}`
}

const readText = async (path: string, maxSize: number): Promise<string> => {
  const bytes = await readBytes(path, maxSize)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Error(`${path} is not UTF-8 text`, { cause })
  }
}

/** Reads a regular file to its end; not a device or a pipe, which may have none. */
const readBytes = async (path: string, maxSize: number): Promise<Uint8Array> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const status = await file.stat()
    if (!status.isFile()) throw new Error(`${path} is not a file`)
    if (status.size > maxSize) throw new Error(`${path} is larger than ${maxSize} bytes`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}
