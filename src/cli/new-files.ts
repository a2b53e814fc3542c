import { constants } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from './exit-codes.ts'

/**
 * Writes `files`, texts by their names, into the folder `dir`.
 *
 * @throws CommandError when one of them is there already; then none is written
 */
export const writeNewFiles = async (dir: string, files: Readonly<Record<string, string>>): Promise<void> => {
  await mkdir(dir, { recursive: true })
  for (const name of Object.keys(files)) await requireNew(join(dir, name))
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { flag: 'wx' })
}

const requireNew = async (path: string): Promise<void> => {
  const isThere = await access(path, constants.F_OK).then(
    () => true,
    () => false,
  )
  if (isThere) throw new CommandError(`${path} is there already and stays as it is; choose another --name`)
}
