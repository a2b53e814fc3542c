import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Collects all that nobody holds. What was looked at in this turn of the event loop counts as held, so it ends first. */
export const collectGarbage = async (): Promise<void> => {
  await new Promise(setImmediate)
  collect()
}
