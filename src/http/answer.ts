import { Refusal } from '../domain/refusal.ts'
import type { Log } from '../ports/log.ts'

/**
 * Whatever was thrown, as a Refusal. What is not one is a fault of ours: it is logged by the name and place of the
 * error, without its message, which may quote input.
 */
export const asRefusal = (thrown: unknown, requestId: string, log: Log): Refusal => {
  if (thrown instanceof Refusal) return thrown
  const name = thrown instanceof Error ? thrown.name : typeof thrown
  log.warn('an exchange failed by a fault of dragoman', { request_id: requestId, error: name, at: placeOf(thrown) })
  return new Refusal('internal', name, { cause: thrown })
}

const placeOf = (thrown: unknown): string => {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '))
  return frames
    .slice(0, 4)
    .map((line) => line.trim())
    .join(' < ')
}
