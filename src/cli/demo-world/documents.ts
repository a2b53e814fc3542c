import { readFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SourceFile } from '../../trust.ts'

/** The folder of the documents that come with dragoman. */
const shipped = fileURLToPath(new URL('../../../trust-maps', import.meta.url))

/** The issuer that they name. */
const writtenIssuer = 'http://localhost:8695'

const names = ['demo.yaml', 'demo_test.yaml']

/**
 * The demo documents that must be given to a server over `folder` so that it believes `issuer`. None when the folder
 * holds them as they are: then a change to the file counts at once.
 */
export const demoDocuments = async (folder: string, issuer: string): Promise<readonly SourceFile[]> => {
  if (isShipped(folder) && issuer === writtenIssuer) return []
  return Promise.all(
    names.map(async (name) => ({
      name: relative(resolve(folder), join(shipped, name)),
      text: (await readFile(join(shipped, name), 'utf8')).replaceAll(writtenIssuer, issuer),
    })),
  )
}

/** What keeps the demo documents of `folder` out where there is no demo world: nothing, in their place. */
export const withoutDemo = (folder: string): readonly SourceFile[] =>
  isShipped(folder) ? names.map((name) => ({ name, text: '' })) : []

const isShipped = (folder: string): boolean => resolve(folder) === shipped
