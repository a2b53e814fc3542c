import type * as z from 'zod'
import { presentedSecret } from '../formats/secret-settings.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import { tokenIn } from './answers.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'

const keys = { value: presentedSecret }

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

/** A key that the partner has handed out: it is read from where secrets lie, and again when it changes there. */
export const apiKey: Obtainer<Config, KeptSecret> = {
  kind: 'api-key',
  keys,
  isRepeatable: true,
  parts: () => ['value'],
  usualHeaders: () => [{ name: 'Authorization', prefix: 'Bearer ', from: 'value' }],
  namesParty: () => false,
  endpoints: () => [],
  prepare: (config, tools) => openKeptSecret(config.value, tools, 'value'),
  secrets: (kept) => [kept],
  obtain: async (_need, kept, { secret }) => ({ parts: { value: tokenIn(secret(kept).reveal(), 'the secret') } }),
}
