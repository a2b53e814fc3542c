import * as z from 'zod'
import { Refusal } from '../domain/refusal.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import { jsonAnswer, secondsIn, tokenIn, wordIn } from './answers.ts'
import { askForToken } from './oauth-calls.ts'
import { addressed, clientAuth, type PreparedClientAuth, prepareClientAuth } from './oauth-client-auth.ts'
import type { CommonSettings, Obtainer, ObtainTools } from './obtainer.ts'
import { bearerHeader, targetKeys, targetParameters, tokenEndpoint } from './token-request.ts'

const slackEndpoint = 'https://slack.com/api/oauth.v2.access'

const keys = {
  preset: z.enum(['slack']).optional().meta({ description: 'What is usual at this vendor.' }),
  tokenEndpoint: tokenEndpoint.optional(),
  clientAuth,
  refreshToken: presentedSecret.meta({
    description: 'The refresh token to begin with. Those that take its place are kept encrypted in the state.',
  }),
  scopes: targetKeys.scopes,
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly auth: PreparedClientAuth
  readonly seed: KeptSecret
}

const endpointOf = ({ tokenEndpoint: url, preset }: Config): string => url ?? (preset === 'slack' ? slackEndpoint : '')

/**
 * A token for a refresh token (RFC 6749 section 6), which the partner may replace each time: the new one is kept before the
 * token is given to anybody, since the old one is good no more.
 */
export const refreshToken: Obtainer<Config, Prepared> = {
  kind: 'refresh-token',
  keys,
  isRepeatable: false,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: () => false,
  scopes: ({ scopes }) => scopes,
  endpoints: (config) => [{ at: ['tokenEndpoint'], url: endpointOf(config) }],
  prepare: async (config, tools) => ({
    config,
    auth: await prepareClientAuth(config.clientAuth, tools),
    seed: await openKeptSecret(config.refreshToken, tools, 'refreshToken'),
  }),
  secrets: ({ auth, seed }) => [...auth.secrets, seed],
  async obtain(need, prepared, tools) {
    const { config, seed } = prepared
    const first = tools.secret(seed).reveal()
    // Under the digest of the first one, so that another first one begins anew.
    const name = await tools.ports.digest.sha256(`refresh token\n${first}`)
    const current = (await tools.remembered.read(name))?.reveal() ?? first
    const answer = await (config.preset === 'slack'
      ? askSlack(prepared, current, tools)
      : askForToken(
          {
            ...addressed(endpointOf(config), prepared.auth, tools),
            grantType: 'refresh_token',
            parameters: targetParameters({ scopes: config.scopes, params: {} }, need, { refresh_token: current }),
          },
          tools,
        ))
    const next = answer.members['refresh_token']
    if (next !== undefined) await tools.remembered.write(name, tokenIn(next, 'refresh_token'))
    return answer
  },
}

/** Slack answers errors with status 200 and `ok: false`. */
const askSlack = async ({ config, auth }: Prepared, current: string, tools: ObtainTools) => {
  const endpoint = endpointOf(config)
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: current })
  const headers = new Headers({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' })
  await auth.authentication(endpoint, tools)({ issuer: endpoint }, { client_id: auth.clientId }, body, headers)
  const response = await tools.send({
    method: 'POST',
    url: endpoint,
    headers: Object.fromEntries(headers),
    body: body.toString(),
  })
  const members = jsonAnswer(response, 200, 'Slack')
  if (members['ok'] !== true)
    throw new Refusal('partner.refused', `Slack answers: ${wordIn(members['error']) ?? 'not ok'}`)
  return {
    members,
    parts: { access_token: tokenIn(members['access_token'], 'access_token') },
    token: { part: 'access_token', type: tokenTypes.accessToken, scheme: 'Bearer' } as const,
    expiresAt: tools.now + secondsIn(members['expires_in'], 'expires_in'),
  }
}
