import * as z from 'zod'
import type { Json } from '../domain/claims.ts'
import type { Secret } from '../domain/secret.ts'
import type { Seconds } from '../domain/time.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { durationWithin } from '../formats/settings.ts'
import { jwsAlgorithms } from '../ports/signatures.ts'
import { invalidAnswer, tokenIn } from './answers.ts'
import { jwtBearerGrant } from './jwt-bearer-grant.ts'
import { askForToken } from './oauth-calls.ts'
import { addressed, clientAuth, type PreparedClientAuth, prepareClientAuth } from './oauth-client-auth.ts'
import type { CommonSettings, Need, Obtainer, ObtainTools } from './obtainer.ts'
import { openSigningSecret, type SigningSecret, signJwt } from './signed-assertion.ts'
import { namesIdentity, stated, statedText } from './stated.ts'
import { bearerHeader, targetKeys, targetParameters, tokenEndpoint } from './token-request.ts'

const assertionKeys = z
  .strictObject({
    issuer: z.string().min(1).max(2_048).optional().meta({
      description:
        '`iss`: the client or consumer key, the e-mail of a service account. Default: our issuer, without key.',
    }),
    subject: stated.optional(),
    audience: z.string().min(1).max(2_048).optional().meta({ description: '`aud`. Default: as the preset says.' }),
    key: presentedSecret.optional().meta({
      description: 'The private key. Absent: a JWT under our own key, for partners that trust our issuer.',
    }),
    keyId: z.string().min(1).max(256).optional().meta({ description: '`kid`.' }),
    algorithm: z.enum(jwsAlgorithms).default('RS256'),
    ttl: durationWithin(5, 3_600, 'between 5s and 1h').optional(),
    claims: z
      .record(
        z
          .string()
          .refine((name) => !['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti'].includes(name), 'has its own key'),
        z.json(),
      )
      .default({})
      .meta({ description: 'Further claims.' }),
  })
  .meta({ description: 'The assertion that is presented.' })

const presetNames = ['salesforce', 'google-service-account', 'docusign'] as const

const keys = {
  preset: z.enum(presetNames).optional().meta({ description: 'What is usual at this vendor.' }),
  tokenEndpoint: tokenEndpoint.optional(),
  clientAuth: clientAuth.optional(),
  assertion: assertionKeys.optional(),
  ...targetKeys,
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Preset {
  readonly endpoint?: string
  readonly audience: (endpoint: string) => string
  readonly ttl: Seconds
  /** Scopes stand in the assertion. */
  readonly scopeInAssertion: boolean
  /** How long a token is kept of which the vendor does not say how long it is good. */
  readonly keepFor?: Seconds
  /** Text members of the answer that can be put on requests. */
  readonly parts: readonly string[]
}

const presets: Readonly<Record<(typeof presetNames)[number], Preset>> = {
  salesforce: {
    endpoint: 'https://login.salesforce.com/services/oauth2/token',
    audience: (endpoint) => new URL(endpoint).origin,
    // Three minutes are the most that it takes, by its own clock.
    ttl: 120,
    scopeInAssertion: false,
    keepFor: 900,
    parts: ['instance_url'],
  },
  'google-service-account': {
    endpoint: 'https://oauth2.googleapis.com/token',
    audience: (endpoint) => endpoint,
    ttl: 3_600,
    scopeInAssertion: true,
    parts: [],
  },
  docusign: {
    endpoint: 'https://account.docusign.com/oauth/token',
    audience: (endpoint) => new URL(endpoint).host,
    ttl: 3_600,
    scopeInAssertion: true,
    parts: [],
  },
}

const plain: Preset = { audience: (endpoint) => endpoint, ttl: 60, scopeInAssertion: false, parts: [] }

const presetOf = ({ preset }: Config): Preset => (preset === undefined ? plain : presets[preset])

const endpointOf = (config: Config): string => config.tokenEndpoint ?? presetOf(config).endpoint ?? ''

interface Prepared {
  readonly config: Config
  readonly auth?: PreparedClientAuth
  readonly signing?: SigningSecret
}

/** A signed assertion for a token (RFC 7523 section 2.1). */
export const jwtBearer: Obtainer<Config, Prepared> = {
  kind: 'jwt-bearer',
  keys,
  takesInner: 'may',
  isRepeatable: true,
  parts: (config) => ['access_token', ...presetOf(config).parts],
  usualHeaders: () => bearerHeader,
  namesParty: ({ assertion }) => namesIdentity(assertion?.subject),
  scopes: ({ scopes }) => scopes,
  endpoints: (config) => [{ at: ['tokenEndpoint'], url: endpointOf(config) }],
  remarks: ({ assertion, preset }, from) => [
    ...(from !== undefined && preset !== undefined && presets[preset].scopeInAssertion
      ? [{ at: ['preset'], message: 'has the scopes stand in the assertion, which from makes', fix: 'leave it out' }]
      : []),
    ...((assertion === undefined) === (from === undefined)
      ? [{ at: ['assertion'], message: 'needs exactly one of assertion and from', fix: 'assertion: { … }' }]
      : []),
    ...(assertion?.key !== undefined && assertion.issuer === undefined
      ? [{ at: ['assertion', 'issuer'], message: 'is missing: the partner knows the key by it', fix: 'issuer: …' }]
      : []),
    ...(assertion !== undefined && assertion.key === undefined && assertion.issuer !== undefined
      ? [{ at: ['assertion', 'issuer'], message: 'without key the issuer is ours', fix: 'leave it out, or add key' }]
      : []),
    ...(assertion !== undefined && assertion.subject === undefined && assertion.key === undefined
      ? [{ at: ['assertion', 'subject'], message: 'is missing', fix: 'subject: { identity: subject }' }]
      : []),
  ],
  async prepare(config, tools) {
    const { assertion } = config
    return {
      config,
      ...(config.clientAuth && { auth: await prepareClientAuth(config.clientAuth, tools) }),
      ...(assertion?.key && { signing: await openSigningSecret(assertion.key, assertion.algorithm, tools, 'key') }),
    }
  },
  secrets: ({ auth, signing }) => [...(auth?.secrets ?? []), ...(signing === undefined ? [] : [signing.kept])],
  async obtain(need, prepared, tools) {
    const { config, auth } = prepared
    const preset = presetOf(config)
    const endpoint = endpointOf(config)
    const assertion = await assertionOf(need, prepared, preset, tools)
    const settings = preset.scopeInAssertion ? { ...config, scopes: [] } : config
    const answer = await askForToken(
      {
        ...addressed(endpoint, auth, tools),
        grantType: jwtBearerGrant,
        parameters: targetParameters(settings, preset.scopeInAssertion ? {} : need, { assertion: assertion.reveal() }),
      },
      tools,
    )
    const more = preset.parts.map((name) => [name, tokenIn(answer.members[name], name)] as const)
    return {
      ...answer,
      parts: { ...answer.parts, ...Object.fromEntries(more) },
      ...(answer.expiresAt === undefined && preset.keepFor !== undefined ? { keepFor: preset.keepFor } : {}),
    }
  },
}

const assertionOf = async (
  need: Need,
  { config, signing }: Prepared,
  preset: Preset,
  tools: ObtainTools,
): Promise<Secret<string>> => {
  const { assertion } = config
  if (assertion === undefined) {
    const { token, parts } = await tools.inner()
    const value = token && parts[token.part]
    if (value === undefined) throw invalidAnswer('what `from` yields is not a token')
    return value
  }
  const audience = assertion.audience ?? preset.audience(endpointOf(config))
  const ttl = assertion.ttl ?? preset.ttl
  const scopes = preset.scopeInAssertion ? (need.scopes ?? config.scopes) : []
  const claims: Readonly<Record<string, Json>> = {
    ...assertion.claims,
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
  }
  const subject = assertion.subject && statedText(assertion.subject, need.party)
  if (signing === undefined) return tools.vouch({ subject: subject ?? '', audience, ttl, claims })
  const issuedAt = Math.floor(tools.now)
  return signJwt(
    {
      ...(assertion.keyId === undefined ? {} : { header: { kid: assertion.keyId } }),
      claims: {
        ...claims,
        iss: assertion.issuer ?? '',
        ...(subject === undefined ? {} : { sub: subject }),
        aud: audience,
        iat: issuedAt,
        exp: issuedAt + ttl,
        jti: tools.ports.ids.next(),
      },
    },
    signing,
    tools,
  )
}
