import type * as z from 'zod'
import { askForToken } from './oauth-calls.ts'
import { addressed, clientAuth, type PreparedClientAuth, prepareClientAuth } from './oauth-client-auth.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'
import { bearerHeader, targetKeys, targetParameters, tokenEndpoint } from './token-request.ts'

const keys = { tokenEndpoint, clientAuth, ...targetKeys }

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly auth: PreparedClientAuth
}

/** A token for ourselves as a client of the partner's (RFC 6749 section 4.4). */
export const clientCredentials: Obtainer<Config, Prepared> = {
  kind: 'client-credentials',
  keys,
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: () => false,
  scopes: ({ scopes }) => scopes,
  endpoints: ({ tokenEndpoint: url }) => [{ at: ['tokenEndpoint'], url }],
  prepare: async (config, tools) => ({ config, auth: await prepareClientAuth(config.clientAuth, tools) }),
  secrets: ({ auth }) => auth.secrets,
  obtain: (need, { config, auth }, tools) =>
    askForToken(
      {
        ...addressed(config.tokenEndpoint, auth, tools),
        grantType: 'client_credentials',
        parameters: targetParameters(config, need),
      },
      tools,
    ),
}
