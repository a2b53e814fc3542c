import type * as z from 'zod'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
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
  obtain: async (_need, kept, tools) => ({ parts: { value: keyIn(tools.secret(kept), kept.name) } }),
}

/** Visible ASCII, so that no line of a request can be broken with it. @throws Refusal `secret.unavailable` */
const keyIn = (value: Secret<string>, name: string): Secret<string> => {
  const text = value.reveal()
  if (!/^[\x21-\x7e]{1,16384}$/.test(text))
    throw new Refusal('secret.unavailable', `${name}: what is kept there is not one key of visible characters`)
  return secret(text)
}
