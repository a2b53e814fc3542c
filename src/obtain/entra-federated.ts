import * as z from 'zod'
import type { Seconds } from '../domain/time.ts'
import { askForToken } from './oauth-calls.ts'
import { byAssertion } from './oauth-client-auth.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'
import { bearerHeader } from './token-request.ts'

const keys = {
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,128}$/, 'the tenant id or a verified domain')
    .meta({ description: 'The Entra tenant, by its id.' }),
  clientId: z.string().min(1).max(256).meta({ description: 'The id of the application.' }),
  resource: z
    .string()
    .min(1)
    .max(2_048)
    .meta({ description: 'Whom the token is for; `/.default` is added.', examples: ['https://graph.microsoft.com'] }),
  subject: z.string().min(1).max(600).meta({
    description: "`sub` of our assertion, exactly as the application's federated credential names it.",
  }),
  audience: z.string().min(1).max(600).default('api://AzureADTokenExchange').meta({
    description: '`aud` of our assertion, as the federated credential names it.',
  }),
  authority: z
    .url()
    .default('https://login.microsoftonline.com')
    .meta({ description: 'Another cloud, such as https://login.microsoftonline.us.' }),
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

const assertionTtl: Seconds = 300

const endpointOf = ({ authority, tenant }: Config) => `${authority.replace(/\/$/, '')}/${tenant}/oauth2/v2.0/token`

/** Workload identity federation of Microsoft Entra: our issuer is the application's credential, and nothing is kept secret. */
export const entraFederated: Obtainer<Config, Config> = {
  kind: 'entra-federated',
  keys,
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: () => false,
  endpoints: (config) => [{ at: ['authority'], url: endpointOf(config) }],
  prepare: async (config) => config,
  secrets: () => [],
  async obtain(_need, config, tools) {
    const endpoint = endpointOf(config)
    const { clientId, subject, audience, resource } = config
    const scope = `${resource.replace(/\/$/, '')}/.default`
    return askForToken(
      {
        endpoint,
        clientId,
        authentication: byAssertion(clientId, () => tools.vouch({ subject, audience, ttl: assertionTtl })),
        grantType: 'client_credentials',
        parameters: new URLSearchParams({ scope }),
      },
      tools,
    )
  },
}
