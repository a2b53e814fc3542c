import * as z from 'zod'
import type { Obtained } from '../domain/partner.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { durationWithin, url } from '../formats/settings.ts'
import { endIn, invalidAnswer, jsonAnswer, tokenIn } from './answers.ts'
import { askForToken } from './oauth-calls.ts'
import { addressed } from './oauth-client-auth.ts'
import type { CommonSettings, Need, Obtainer, ObtainTools } from './obtainer.ts'
import { namesIdentity, stated } from './stated.ts'
import { subjectTokenOf, tokenExchangeGrant } from './token-exchange.ts'
import { bearerHeader } from './token-request.ts'

const cloudPlatform = 'https://www.googleapis.com/auth/cloud-platform'

const keys = {
  provider: z
    .string()
    .regex(
      /^\/\/iam\.googleapis\.com\/projects\/[0-9]+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+$/,
      'the full name of a workload identity provider',
    )
    .meta({
      description: 'The workload identity provider that trusts our issuer.',
      examples: ['//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/dragoman'],
    }),
  subject: stated.optional().meta({ description: '`sub` of the JWT of ours that is presented.' }),
  audience: z.string().min(1).max(2_048).optional().meta({
    description: '`aud` of our JWT. Default: the provider with https:, as Google expects.',
  }),
  subjectTokenType: z.string().min(1).max(512).default(tokenTypes.jwt).meta({ description: 'Of what is presented.' }),
  serviceAccount: z
    .email()
    .optional()
    .meta({ description: 'The service account whose token is wanted. Default: the federated token itself.' }),
  scopes: z.array(z.string().min(1)).min(1).default([cloudPlatform]),
  lifetime: durationWithin(60, 43_200, 'between 1m and 12h').default(3_600),
  stsEndpoint: url.default('https://sts.googleapis.com/v1/token'),
  iamEndpoint: url.default('https://iamcredentials.googleapis.com'),
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

/** Workload identity federation of Google Cloud: our issuer is the identity, and nothing is kept secret. */
export const googleSts: Obtainer<Config, Config> = {
  kind: 'google-sts',
  keys,
  takesInner: 'may',
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: ({ subject }) => namesIdentity(subject),
  endpoints: ({ stsEndpoint, iamEndpoint }) => [
    { at: ['stsEndpoint'], url: stsEndpoint },
    { at: ['iamEndpoint'], url: iamEndpoint },
  ],
  remarks: ({ subject }, from) =>
    (subject === undefined) === (from === undefined)
      ? [{ at: ['subject'], message: 'needs exactly one of subject and from', fix: 'subject: { identity: subject }' }]
      : [],
  prepare: async (config) => config,
  secrets: () => [],
  async obtain(need, config, tools) {
    const { serviceAccount } = config
    if (serviceAccount === undefined) return federated(need, config, config.scopes, tools)
    const first = await tools.hop('federated', [], () => federated(need, config, [cloudPlatform], tools))
    return impersonated(first, serviceAccount, config, tools)
  },
}

const federated = async (
  need: Need,
  { provider, subject, audience, subjectTokenType, stsEndpoint }: Config,
  scopes: readonly string[],
  tools: ObtainTools,
): Promise<Obtained> => {
  const vouched = subject === undefined ? undefined : { subject, audience: audience ?? `https:${provider}`, ttl: 300 }
  const { value } = await subjectTokenOf(vouched, need, tools)
  const answer = await askForToken(
    {
      ...addressed(stsEndpoint, undefined, tools),
      grantType: tokenExchangeGrant,
      parameters: new URLSearchParams({
        audience: provider,
        scope: scopes.join(' '),
        requested_token_type: tokenTypes.accessToken,
        subject_token: value.reveal(),
        subject_token_type: subjectTokenType,
      }),
    },
    tools,
  )
  if (answer.token?.type !== tokenTypes.accessToken) throw invalidAnswer('issued_token_type is not access_token')
  return answer
}

const impersonated = async (
  { parts }: Obtained,
  serviceAccount: string,
  { iamEndpoint, scopes, lifetime }: Config,
  tools: ObtainTools,
): Promise<Obtained> => {
  const response = await tools.send({
    method: 'POST',
    url: `${iamEndpoint.replace(/\/$/, '')}/v1/projects/-/serviceAccounts/${serviceAccount}:generateAccessToken`,
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${parts['access_token']?.reveal() ?? ''}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ scope: scopes, lifetime: `${lifetime}s` }),
  })
  const answer = jsonAnswer(response, 200, new URL(iamEndpoint).host)
  return {
    parts: { access_token: tokenIn(answer['accessToken'], 'accessToken') },
    token: { part: 'access_token', type: tokenTypes.accessToken, scheme: 'Bearer' },
    expiresAt: endIn(answer['expireTime'], 'expireTime', tools.now),
  }
}
