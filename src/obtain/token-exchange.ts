import * as z from 'zod'
import type { Secret } from '../domain/secret.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { durationWithin } from '../formats/settings.ts'
import { invalidAnswer } from './answers.ts'
import { askForToken } from './oauth-calls.ts'
import { addressed, clientAuth, type PreparedClientAuth, prepareClientAuth } from './oauth-client-auth.ts'
import type { CommonSettings, Need, Obtainer, ObtainTools } from './obtainer.ts'
import { namesIdentity, stated, statedText } from './stated.ts'
import { bearerHeader, targetKeys, targetParameters, tokenEndpoint } from './token-request.ts'

/** The JWT of ours that is presented where no other credential is. */
export const vouchedSubject = z
  .strictObject({
    subject: stated.default({ identity: 'subject' }),
    audience: z.string().min(1).max(2_048).meta({ description: '`aud` of our JWT: the partner as it names itself.' }),
    ttl: durationWithin(5, 3_600, 'between 5s and 1h').default(60),
  })
  .meta({ description: 'Present a JWT of ours that speaks for this subject: the partner trusts our issuer.' })

export type VouchedSubject = z.output<typeof vouchedSubject>

const keys = {
  tokenEndpoint,
  clientAuth,
  subjectToken: vouchedSubject.optional(),
  subjectTokenType: z.string().min(1).max(512).optional().meta({
    description: 'subject_token_type. Default: jwt for a JWT of ours, access_token for what `from` yields.',
  }),
  requestedTokenType: z.string().min(1).max(512).optional().meta({ description: 'requested_token_type.' }),
  ...targetKeys,
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly auth: PreparedClientAuth
}

export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** What is presented: what `from` yields, or a JWT of ours. */
export const subjectTokenOf = async (
  vouched: VouchedSubject | undefined,
  need: Need,
  tools: ObtainTools,
): Promise<{ readonly value: Secret<string>; readonly type: string }> => {
  if (vouched === undefined) {
    const { token, parts } = await tools.inner()
    const value = token && parts[token.part]
    if (token === undefined || value === undefined) throw invalidAnswer('what `from` yields is not a token')
    return { value, type: token.type }
  }
  const { subject, audience, ttl } = vouched
  return {
    value: await tools.vouch({ subject: statedText(subject, need.party), audience, ttl }),
    type: tokenTypes.jwt,
  }
}

/** Where the subject token of the kinds that take one comes from: it is one or the other. */
export const subjectRemarks = (vouched: unknown, from: unknown) =>
  (vouched === undefined) === (from === undefined)
    ? [
        {
          at: ['subjectToken'],
          message: 'needs exactly one of subjectToken and from',
          fix: 'subjectToken: { audience: … }',
        },
      ]
    : []

/** The partner's own token exchange (RFC 8693): our JWT, or another credential, for the token that the partner accepts. */
export const tokenExchange: Obtainer<Config, Prepared> = {
  kind: 'token-exchange',
  keys,
  takesInner: 'may',
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: ({ subjectToken }) => namesIdentity(subjectToken?.subject),
  scopes: ({ scopes }) => scopes,
  endpoints: ({ tokenEndpoint: url }) => [{ at: ['tokenEndpoint'], url }],
  remarks: ({ subjectToken }, from) => subjectRemarks(subjectToken, from),
  prepare: async (config, tools) => ({ config, auth: await prepareClientAuth(config.clientAuth, tools) }),
  secrets: ({ auth }) => auth.secrets,
  async obtain(need, { config, auth }, tools) {
    const { value, type } = await subjectTokenOf(config.subjectToken, need, tools)
    const wanted = config.requestedTokenType
    const answer = await askForToken(
      {
        ...addressed(config.tokenEndpoint, auth, tools),
        grantType: tokenExchangeGrant,
        parameters: targetParameters(config, need, {
          subject_token: value.reveal(),
          subject_token_type: config.subjectTokenType ?? type,
          ...(wanted === undefined ? {} : { requested_token_type: wanted }),
        }),
      },
      tools,
    )
    if (answer.members['issued_token_type'] === undefined) throw invalidAnswer('issued_token_type is missing')
    if (answer.token?.type !== (wanted ?? tokenTypes.accessToken))
      throw invalidAnswer('issued_token_type is not what was asked for')
    return answer
  },
}
