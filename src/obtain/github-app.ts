import * as z from 'zod'
import { tokenTypes } from '../domain/token-type.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { url } from '../formats/settings.ts'
import { endIn, jsonAnswer, tokenIn } from './answers.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'
import { openSigningSecret, type SigningSecret, signJwt } from './signed-assertion.ts'

const keys = {
  app: z
    .string()
    .min(1)
    .max(256)
    .meta({ description: "The app's client id or id.", examples: ['Iv23liAbCdEf'] }),
  installation: z
    .string()
    .regex(/^[0-9]{1,20}$/, 'the number of an installation')
    .meta({ description: 'The installation that the token is for.', examples: ['12345678'] }),
  key: presentedSecret,
  repositories: z.array(z.string().min(1).max(256)).min(1).optional().meta({ description: 'Only these, by name.' }),
  repositoryIds: z.array(z.int().positive()).min(1).optional().meta({ description: 'Only these, by id.' }),
  permissions: z
    .record(z.string().min(1), z.enum(['read', 'write', 'admin']))
    .optional()
    .meta({ description: 'Only these permissions.', examples: [{ contents: 'read' }] }),
  api: url.default('https://api.github.com').meta({ description: 'The API of GitHub Enterprise Server.' }),
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly signing: SigningSecret
}

/** GitHub keeps an eye on clocks: a token that is issued in its future is none. */
const backdated = 60
const longest = 600

/** A token for an installation of a GitHub App: a JWT of the app is exchanged for it. */
export const githubApp: Obtainer<Config, Prepared> = {
  kind: 'github-app',
  keys,
  isRepeatable: true,
  parts: () => ['token'],
  usualHeaders: () => [{ name: 'Authorization', prefix: 'Bearer ', from: 'token' }],
  namesParty: () => false,
  endpoints: ({ api }) => [{ at: ['api'], url: api }],
  remarks: ({ repositories, repositoryIds }) =>
    repositories !== undefined && repositoryIds !== undefined
      ? [{ at: ['repositoryIds'], message: 'name repositories by name or by id', fix: 'one of both' }]
      : [],
  prepare: async (config, tools) => ({ config, signing: await openSigningSecret(config.key, 'RS256', tools, 'key') }),
  secrets: ({ signing }) => [signing.kept],
  async obtain(_need, { config, signing }, tools) {
    const issuedAt = Math.floor(tools.now) - backdated
    const jwt = await signJwt({ claims: { iss: config.app, iat: issuedAt, exp: issuedAt + longest } }, signing, tools)
    const { repositories, repositoryIds, permissions } = config
    const response = await tools.send({
      method: 'POST',
      url: `${config.api.replace(/\/$/, '')}/app/installations/${config.installation}/access_tokens`,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${jwt.reveal()}`,
        'content-type': 'application/json',
        'user-agent': 'dragoman',
        'x-github-api-version': '2022-11-28',
      },
      body: JSON.stringify({
        ...(repositories && { repositories }),
        ...(repositoryIds && { repository_ids: repositoryIds }),
        ...(permissions && { permissions }),
      }),
    })
    const answer = jsonAnswer(response, 201, 'GitHub')
    return {
      parts: { token: tokenIn(answer['token'], 'token') },
      token: { part: 'token', type: tokenTypes.accessToken, scheme: 'Bearer' },
      expiresAt: endIn(answer['expires_at'], 'expires_at', tools.now),
    }
  },
}
