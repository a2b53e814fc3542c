import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { formatStoredKey, parseStoredKey, type StoredKey } from '../../mint/stored-key.ts'
import { createNodeDigest } from './digest.ts'

/** One file a key, named by its thumbprint. Everything else in the folder is left alone. */
const keyFileName = /^([A-Za-z0-9_-]{43})\.json$/
const maxKeyFileSize = 32_768
const digest = createNodeDigest()

/** The bits of a file's mode that let anybody but its owner at it. Windows has no such bits. */
const forOthers = process.platform === 'win32' ? 0 : 0o077
const writableByAll = process.platform === 'win32' ? 0 : 0o002

/**
 * The keys in `folder`, oldest first; none when the folder does not exist.
 *
 * @throws Error naming the file and what to do about it: others can read it, it is a link, it is damaged
 */
export const readKeys = async (folder: string): Promise<readonly StoredKey[]> => {
  const names = (await namesIn(folder)).filter((name) => keyFileName.test(name))
  const keys = await Promise.all(names.map((name) => readKeyFile(folder, name)))
  return keys.toSorted((a, b) => a.createdAt - b.createdAt || (a.kid < b.kid ? -1 : 1))
}

/**
 * Adds a key file, or replaces the one of the same key. Readers see the old text or the new, never half of one. The
 * file is for its owner only, and so is the folder when it has to be made.
 *
 * @throws Error when a file of that name is there and `replace` was not asked for
 */
export const writeKey = async (folder: string, key: StoredKey, options: { replace?: boolean } = {}): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${key.kid}.json`)
  const temporary = join(folder, `.${key.kid}.${randomUUID()}.tmp`)
  try {
    await writeNewFile(temporary, formatStoredKey(key))
    if (options.replace === true) await rename(temporary, path)
    else await link(temporary, path)
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
  await flushFolder(folder)
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(folder)
    const { mode } = await stat(folder)
    if ((mode & writableByAll) !== 0)
      throw new Error(`everybody can put keys into the folder ${folder}; run: chmod o-w ${quoted(folder)}`)
    return names
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw cause
  }
}

const readKeyFile = async (folder: string, name: string): Promise<StoredKey> => {
  const path = join(folder, name)
  const file = await openKeyFile(path)
  try {
    await requirePrivate(file, path)
    const key = await parseStoredKey(await file.readFile('utf8'), digest)
    if (`${key.kid}.json` !== name) throw new Error('it is named after another key')
    return key
  } catch (cause) {
    if (cause instanceof KeyFileError) throw cause
    const why = cause instanceof Error ? cause.message : 'it cannot be read'
    throw new KeyFileError(`the key file ${path} cannot be used: ${why}; restore it or move it away`, { cause })
  } finally {
    await file.close()
  }
}

/** A fault of a key file that already says which file and what to do. */
class KeyFileError extends Error {}

/** The last part of the path may not be a link: whoever can make one could choose what is read. */
const openKeyFile = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (codeOf(cause) === 'ELOOP')
      throw new KeyFileError(`the key file ${path} is a symbolic link; put the key itself there`, { cause })
    throw new KeyFileError(
      `the key file ${path} cannot be opened (${codeOf(cause)}); make it yours: chown, chmod 600`,
      {
        cause,
      },
    )
  }
}

const requirePrivate = async (file: FileHandle, path: string): Promise<void> => {
  const status = await file.stat()
  if (!status.isFile()) throw new KeyFileError(`${path} is not a file; move it away`)
  if ((status.mode & forOthers) !== 0) {
    const mode = (status.mode & 0o777).toString(8)
    throw new KeyFileError(`others can get at the key file ${path} (mode ${mode}); run: chmod 600 ${quoted(path)}`)
  }
  if (status.size > maxKeyFileSize) throw new KeyFileError(`the key file ${path} is too large; move it away`)
}

const writeNewFile = async (path: string, text: string): Promise<void> => {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the new name last through a power failure, where the platform can open a folder. */
const flushFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined)
  if (handle === undefined) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown'
