import * as z from 'zod'
import type { ClientCredential } from '../domain/exchange.ts'
import { Refusal } from '../domain/refusal.ts'
import { secretSlots } from '../formats/settings.ts'
import { type KnowsSecret, openSecretSlots } from '../sources/secret-slots.ts'
import type { Authenticator } from './authenticator.ts'

type SecretMethod = 'client_secret_basic' | 'client_secret_post'

const schemaOf = <M extends SecretMethod>(method: M) =>
  z.strictObject({
    method: z.literal(method),
    secrets: secretSlots,
  })

type SecretConfig = z.output<ReturnType<typeof schemaOf<SecretMethod>>>

/** RFC 6749 section 2.3.1: what differs between the two methods is only how the secret is sent. */
export const clientSecret = (method: SecretMethod): Authenticator<SecretConfig, KnowsSecret> => ({
  kind: method,
  presentedAs: method,
  schema: schemaOf(method),
  lint: () => [],
  prepare: (config, tools) => openSecretSlots(config.secrets, tools.ports),
  keySets: () => [],
  async authenticate(credential, clientId, isKnown) {
    if (!(await isKnown(presentedSecret(credential))))
      throw new Refusal('client.credential_invalid', `wrong secret for ${clientId}`)
  },
})

const presentedSecret = (credential: ClientCredential): string => {
  if (!('secret' in credential)) throw new Refusal('client.method_not_registered', 'no secret was presented')
  return credential.secret.reveal()
}
