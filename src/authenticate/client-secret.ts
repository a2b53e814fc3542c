import * as z from 'zod'
import type { ClientCredential } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import { equalInConstantTime } from '../formats/constant-time.ts'
import { secretReference } from '../formats/settings.ts'
import type { Authenticator, Tools } from './authenticator.ts'

type SecretMethod = 'client_secret_basic' | 'client_secret_post'

const digestOfSecret = z
  .strictObject({ sha256: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'the base64url SHA-256 of the secret') })
  .meta({ description: 'SHA-256 of a random secret of at least 32 bytes; `dragoman secret` makes both.' })

const schemaOf = <M extends SecretMethod>(method: M) =>
  z.strictObject({
    method: z.literal(method),
    secrets: z
      .array(z.union([digestOfSecret, secretReference]))
      .min(1)
      .max(2)
      .meta({ description: 'One secret, or two while one takes the place of the other.' }),
  })

type SecretConfig = z.output<ReturnType<typeof schemaOf<SecretMethod>>>

/** RFC 6749 section 2.3.1: what differs between the two methods is only how the secret is sent. */
export const clientSecret = (method: SecretMethod): Authenticator<SecretConfig, readonly string[]> => ({
  kind: method,
  schema: schemaOf(method),
  lint: () => [],
  prepare: (config, tools) => Promise.all(config.secrets.map((slot) => digestOf(slot, tools))),
  keySets: () => [],
  async authenticate(credential, clientId, digests, _now, tools) {
    const presented = await tools.ports.digest.sha256(presentedSecret(credential))
    const matches = digests.map((digest) => equalInConstantTime(presented, digest))
    if (!matches.includes(true)) throw new Refusal('client.credential_invalid', `wrong secret for ${clientId}`)
  },
})

const digestOf = async (slot: SecretConfig['secrets'][number], tools: Tools): Promise<string> =>
  'sha256' in slot ? slot.sha256 : tools.ports.digest.sha256((await tools.ports.secrets.read(slot)).reveal())

const presentedSecret = (credential: ClientCredential): string => {
  if (!('secret' in credential)) throw new Refusal('client.method_not_registered', 'no secret was presented')
  return credential.secret.reveal()
}
