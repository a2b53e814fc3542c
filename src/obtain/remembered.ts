import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { Ports } from '../ports/ports.ts'
import type { Errand } from './errand.ts'
import type { ObtainTools } from './obtainer.ts'
import { type Sealing, seal, unseal } from './sealed.ts'

/** What the kind of a credential must find again. */
export type Remembering = (errand: Errand) => ObtainTools['remembered']

/**
 * Keeps texts encrypted in the store of credentials, without an end. What cannot be kept there is held here and tried again
 * when it is looked for: a partner may have replaced the one before it already, and then there is no other.
 */
export const createRemembering = (
  { digest, credentials, log }: Pick<Ports, 'digest' | 'credentials' | 'log'>,
  sealing: () => readonly Sealing[],
): Remembering => {
  const unsaved = new Map<string, string>()

  const save = async (at: string, sealed: string, { now }: Errand): Promise<void> => {
    unsaved.set(at, sealed)
    try {
      await credentials.put(at, sealed, Number.POSITIVE_INFINITY, now)
      unsaved.delete(at)
    } catch {
      log.warn('the store of credentials cannot be written: what a partner replaced is held in memory alone')
    }
  }

  const found = async (at: string, errand: Errand): Promise<string | undefined> => {
    const held = unsaved.get(at)
    if (held === undefined) return stored(() => credentials.get(at, errand.now))
    await save(at, held, errand)
    return held
  }

  return (errand) => {
    const placeOf = (name: string) =>
      digest.sha256(JSON.stringify(['remembered', errand.partner.name, errand.path, name]))
    return {
      async read(name) {
        const at = await placeOf(name)
        const sealed = await found(at, errand)
        const text = sealed === undefined ? undefined : await unseal(at, sealed, sealing())
        return text === undefined ? undefined : secret(text)
      },
      async write(name, value) {
        const at = await placeOf(name)
        await save(at, await seal(at, value.reveal(), sealing()), errand)
      },
    }
  }
}

const stored = async <T>(act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (cause) {
    throw new Refusal('store.unavailable', 'the store of credentials does not answer', { cause })
  }
}
