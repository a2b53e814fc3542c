import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type { Tools } from './verifier.ts'

/**
 * Nobody has presented the credential `id` of the issuer `namespace` before.
 *
 * @param until when it could be presented for the last time
 * @throws Refusal `credential.replayed`, `store.unavailable`
 */
export const requireFirstUse = async (
  namespace: string,
  id: string,
  until: Instant,
  now: Instant,
  { ports }: Pick<Tools, 'ports'>,
): Promise<void> => {
  if (!(await isFirst(namespace, id, until, now, ports)))
    throw new Refusal('credential.replayed', 'the credential may be used once and was seen before')
}

const isFirst = async (namespace: string, id: string, until: Instant, now: Instant, { replay }: Tools['ports']) => {
  try {
    return await replay.once(namespace, id, until, now)
  } catch (cause) {
    throw new Refusal('store.unavailable', 'the replay guard does not answer', { cause })
  }
}
