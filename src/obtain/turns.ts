import { ConstantBackoff, handleType, retry } from 'cockatiel'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { Seconds } from '../domain/time.ts'
import type { Ports } from '../ports/ports.ts'
import type { ReadyErrand } from './errand.ts'
import type { Remembering } from './remembered.ts'

/**
 * Takes turns among all instances that share a state: what may not be asked for twice at once, such as a token for a refresh
 * token that is replaced each time, is asked for by one of them while the others wait for what it gets.
 */
export interface Turns {
  /**
   * What `found` finds, which may be what another instance has just put there, or what `load` yields when it is our turn.
   *
   * @throws Refusal `partner.unavailable` when another instance has taken its turn and nothing comes of it; `store.unavailable`
   */
  inTurn<T>(ready: ReadyErrand, found: () => Promise<T | undefined>, load: () => Promise<T>): Promise<T>
}

/** It is somebody else's turn. */
class NotYet extends Error {}

/** How often and how long we look for what another instance gets, in milliseconds. */
const pause = 100
const attempts = 50

/** Who takes a turn and is never heard of again keeps it for no longer than calls can take. */
const spare: Seconds = 10

export const createTurns = ({ replay }: Pick<Ports, 'replay'>, remembering: Remembering): Turns => {
  const again = retry(handleType(NotYet), { maxAttempts: attempts, backoff: new ConstantBackoff(pause) })

  /** Each turn has a number, which is counted on when it ends. @returns how it ends; undefined: it is not ours */
  const take = async (ready: ReadyErrand): Promise<(() => Promise<void>) | undefined> => {
    const { key, now, partner } = ready
    const memory = remembering(ready)
    const name = `turn ${key}`
    const number = (await memory.read(name))?.reveal() ?? '0'
    const until = now + 2 * partner.calls.timeout + spare
    const isOurs = await replay.once('turn at a partner', `${key} ${number}`, until, now).catch((cause: unknown) => {
      throw new Refusal('store.unavailable', 'whose turn it is at the partner cannot be decided', { cause })
    })
    return isOurs ? () => memory.write(name, secret(String(Number(number) + 1))) : undefined
  }

  return {
    async inTurn(ready, found, load) {
      try {
        return await again.execute(async () => {
          const end = await take(ready)
          const shared = await found()
          if (end === undefined && shared === undefined) throw new NotYet()
          try {
            return shared ?? (await load())
          } finally {
            await end?.()
          }
        })
      } catch (thrown) {
        if (!(thrown instanceof NotYet)) throw thrown
        throw new Refusal('partner.unavailable', `another instance is asking ${ready.partner.name}, and gets nothing`)
      }
    },
  }
}
