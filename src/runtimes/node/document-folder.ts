import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Seconds } from '../../domain/time.ts'
import type { SourceFile } from '../../trust.ts'

const isDocument = (name: string) => /\.ya?ml$/.test(name) && !name.split('/').some((part) => part.startsWith('.'))

/**
 * The documents of a folder and the folders below it, in the order of their names.
 *
 * @throws Error when the folder cannot be read
 */
export const readDocuments = async (folder: string): Promise<readonly SourceFile[]> =>
  Promise.all(
    (await documentNames(folder)).map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })),
  )

const documentNames = async (folder: string): Promise<readonly string[]> => {
  try {
    const names = await readdir(folder, { recursive: true })
    return names
      .map((name) => name.replaceAll('\\', '/'))
      .filter(isDocument)
      .toSorted()
  } catch (cause) {
    throw new Error(`the folder ${folder} cannot be read; name the one with your trust maps`, { cause })
  }
}

/** A watch that runs until it is closed. */
export interface DocumentWatch {
  close(): void
}

/**
 * Calls `changed` after documents of `folder` were added, removed or written, looking every `every` seconds. Looking
 * works on every file system, mounted ConfigMaps among them, and costs one stat a file.
 */
export const watchDocuments = async (
  folder: string,
  changed: () => Promise<void>,
  every: Seconds = 1,
): Promise<DocumentWatch> => {
  let known = await fingerprint(folder)
  let closed = false
  const look = async (): Promise<void> => {
    const found = await fingerprint(folder)
    if (found !== known && !closed) {
      known = found
      await changed()
    }
    if (!closed) timer = schedule()
  }
  const schedule = () => setTimeout(() => void look(), every * 1_000).unref()
  let timer = schedule()
  return {
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

/** Changes when any document does. A folder that cannot be read looks different from every one that can. */
const fingerprint = async (folder: string): Promise<string> => {
  try {
    const names = await documentNames(folder)
    const marks = await Promise.all(
      names.map(async (name) => {
        const { mtimeMs, size, ino } = await stat(join(folder, name))
        return [name, mtimeMs, size, ino].join(' ')
      }),
    )
    return marks.join('\n')
  } catch {
    return 'unreadable'
  }
}
