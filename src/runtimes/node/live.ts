import type { Desk } from '../../desk.ts'
import type { Keyring } from '../../mint/keyring.ts'

/** What changes while the server runs. Each request reads it once. */
export interface Live {
  desk?: Desk
  keyring?: Keyring
  stopping: boolean
}

/** The desk in force. Throws before the first documents are. */
export const deskOf = (live: Live): Desk => {
  if (live.desk === undefined) throw new Error('no documents are in force')
  return live.desk
}
