import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The folder `home`, made unless it is there: `make` gets an empty folder and returns what becomes `home`, it or a
 * folder in it. What is there is complete: it is made beside and then renamed.
 */
export const madeOnce = (home: string, make: (beside: string) => string): string => {
  if (existsSync(home)) return home
  mkdirSync(dirname(home), { recursive: true })
  const beside = mkdtempSync(join(dirname(home), 'making-'))
  try {
    renameSync(make(beside), home)
  } finally {
    rmSync(beside, { recursive: true, force: true })
  }
  return home
}
