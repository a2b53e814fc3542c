import { equalInConstantTime } from '../formats/constant-time.ts'
import type { SecretSlot } from '../formats/settings.ts'
import type { Ports } from '../ports/ports.ts'

/** Is this one of the secrets that a setting knows? */
export type KnowsSecret = (presented: string) => Promise<boolean>

/**
 * Makes the secrets of a setting ready to be compared with: of each only its digest is kept, and the time that a
 * comparison takes says nothing about which of them came near.
 *
 * @throws Error that says which secret is missing
 */
export const openSecretSlots = async (
  slots: readonly SecretSlot[],
  { digest, secrets }: Pick<Ports, 'digest' | 'secrets'>,
): Promise<KnowsSecret> => {
  const digests = await Promise.all(
    slots.map(async (slot) => ('sha256' in slot ? slot.sha256 : digest.sha256((await secrets.read(slot)).reveal()))),
  )
  return async (presented) => {
    const found = await digest.sha256(presented)
    return digests.map((known) => equalInConstantTime(found, known)).includes(true)
  }
}
