import * as z from 'zod'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import { encodeBase64 } from '../formats/base64.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'

const keys = {
  username: z
    .string()
    .regex(/^[^:\p{Cc}]{1,256}$/u, 'a user name has no colon and no control characters')
    .meta({ description: 'The user name.', examples: ['integration'] }),
  password: presentedSecret,
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly username: string
  readonly password: KeptSecret
}

const utf8 = new TextEncoder()

/** User name and password (RFC 7617), in UTF-8. */
export const basic: Obtainer<Config, Prepared> = {
  kind: 'basic',
  keys,
  isRepeatable: true,
  parts: () => ['credentials'],
  usualHeaders: () => [{ name: 'Authorization', prefix: 'Basic ', from: 'credentials' }],
  namesParty: () => false,
  endpoints: () => [],
  prepare: async ({ username, password }, tools) => ({
    username,
    password: await openKeptSecret(password, tools, 'password'),
  }),
  secrets: ({ password }) => [password],
  obtain: async (_need, { username, password }, tools) => ({
    parts: { credentials: credentialsOf(username, tools.secret(password)) },
  }),
}

/** RFC 7617 section 2: neither has control characters. @throws Refusal `secret.unavailable` */
const credentialsOf = (username: string, password: Secret<string>): Secret<string> => {
  const text = password.reveal()
  if (/\p{Cc}/u.test(text))
    throw new Refusal('secret.unavailable', 'password: what is kept there has control characters')
  return secret(encodeBase64(utf8.encode(`${username}:${text}`)))
}
