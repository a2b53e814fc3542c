import * as z from 'zod'
import { url } from '../formats/settings.ts'
import { invalidAnswer } from './answers.ts'
import { jwtBearerGrant } from './jwt-bearer-grant.ts'
import { askForToken } from './oauth-calls.ts'
import { addressed, clientAuth, type PreparedClientAuth, prepareClientAuth } from './oauth-client-auth.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'
import { namesIdentity } from './stated.ts'
import { subjectRemarks, subjectTokenOf, tokenExchangeGrant, vouchedSubject } from './token-exchange.ts'
import { bearerHeader, targetKeys, targetParameters, tokenEndpoint } from './token-request.ts'

const keys = {
  identityProvider: z
    .strictObject({ tokenEndpoint, clientAuth })
    .meta({ description: 'The identity provider that both trust: it gives the assertion.' }),
  authorizationServer: z
    .strictObject({
      issuer: url.meta({ description: 'Its issuer identifier: the audience of the assertion.' }),
      tokenEndpoint,
      clientAuth,
    })
    .meta({ description: "The partner's authorization server: it takes the assertion." }),
  subjectToken: vouchedSubject.optional(),
  subjectTokenType: z.string().min(1).max(512).optional(),
  scopes: targetKeys.scopes,
  resource: targetKeys.resource,
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly provider: PreparedClientAuth
  readonly server: PreparedClientAuth
}

const idJagType = 'urn:ietf:params:oauth:token-type:id-jag'

/**
 * The identity assertion authorization grant (draft-ietf-oauth-identity-assertion-authz-grant): the identity provider
 * makes an assertion for the partner's authorization server, which gives a token for it. The assertion is for one use and
 * is kept nowhere.
 */
export const idJag: Obtainer<Config, Prepared> = {
  kind: 'id-jag',
  keys,
  takesInner: 'may',
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: ({ subjectToken }) => namesIdentity(subjectToken?.subject),
  scopes: ({ scopes }) => scopes,
  endpoints: ({ identityProvider, authorizationServer }) => [
    { at: ['identityProvider', 'tokenEndpoint'], url: identityProvider.tokenEndpoint },
    { at: ['authorizationServer', 'tokenEndpoint'], url: authorizationServer.tokenEndpoint },
  ],
  remarks: ({ subjectToken }, from) => subjectRemarks(subjectToken, from),
  prepare: async (config, tools) => ({
    config,
    provider: await prepareClientAuth(config.identityProvider.clientAuth, tools),
    server: await prepareClientAuth(config.authorizationServer.clientAuth, tools),
  }),
  secrets: ({ provider, server }) => [...provider.secrets, ...server.secrets],
  async obtain(need, { config, provider, server }, tools) {
    const { identityProvider, authorizationServer } = config
    const { value, type } = await subjectTokenOf(config.subjectToken, need, tools)
    const assertion = await askForToken(
      {
        ...addressed(identityProvider.tokenEndpoint, provider, tools),
        grantType: tokenExchangeGrant,
        scheme: 'N_A',
        parameters: targetParameters(
          { scopes: config.scopes, resource: config.resource, audience: authorizationServer.issuer, params: {} },
          need,
          {
            requested_token_type: idJagType,
            subject_token: value.reveal(),
            subject_token_type: config.subjectTokenType ?? type,
          },
        ),
      },
      tools,
    )
    if (assertion.token?.type !== idJagType) throw invalidAnswer('issued_token_type is not id-jag')
    return askForToken(
      {
        ...addressed(authorizationServer.tokenEndpoint, server, tools),
        grantType: jwtBearerGrant,
        parameters: new URLSearchParams({ assertion: assertion.parts['access_token']?.reveal() ?? '' }),
      },
      tools,
    )
  },
}
