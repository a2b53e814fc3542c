import * as z from 'zod'
import type { Json } from '../domain/claims.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { encodeBase64 } from '../formats/base64.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { durationWithin } from '../formats/settings.ts'
import { jwsAlgorithms } from '../ports/signatures.ts'
import type { CommonSettings, Obtainer, ObtainTools } from './obtainer.ts'
import { spkiOf } from './public-key-info.ts'
import { openSigningSecret, publicKeyOf, type SigningSecret, signJwt } from './signed-assertion.ts'
import { namesIdentity, stated, statedText } from './stated.ts'

const keys = {
  preset: z.enum(['snowflake']).optional().meta({ description: 'What is usual at this vendor.' }),
  account: z.string().min(1).max(256).optional().meta({ description: 'Snowflake: the account identifier.' }),
  user: z.string().min(1).max(256).optional().meta({ description: 'Snowflake: the user.' }),
  issuer: z.string().min(1).max(2_048).optional().meta({ description: '`iss`.' }),
  subject: stated.optional(),
  audience: z.string().min(1).max(2_048).optional().meta({ description: '`aud`.' }),
  claims: z.record(z.string(), z.json()).default({}).meta({ description: 'Further claims.' }),
  key: presentedSecret,
  keyId: z.string().min(1).max(256).optional().meta({ description: '`kid`.' }),
  algorithm: z.enum(jwsAlgorithms).default('RS256'),
  ttl: durationWithin(30, 3_600, 'between 30s and 1h').default(3_540),
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly signing: SigningSecret
}

/** A JWT that the partner takes as it is, under a key whose public half the partner knows. */
export const signedJwt: Obtainer<Config, Prepared> = {
  kind: 'signed-jwt',
  keys,
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: ({ preset }) => [
    { name: 'Authorization', prefix: 'Bearer ', from: 'access_token' },
    ...(preset === 'snowflake' ? [{ name: 'X-Snowflake-Authorization-Token-Type', value: 'KEYPAIR_JWT' }] : []),
  ],
  namesParty: ({ subject }) => namesIdentity(subject),
  endpoints: () => [],
  remarks: ({ preset, account, user, issuer, subject }) =>
    preset === 'snowflake'
      ? [
          ...(issuer !== undefined || subject !== undefined
            ? [
                {
                  at: [issuer === undefined ? 'subject' : 'issuer'],
                  message: 'is made of account, user and key',
                  fix: 'leave it out',
                },
              ]
            : []),
          ...(account === undefined ? [{ at: ['account'], message: 'is missing', fix: 'account: ORG-ACCOUNT' }] : []),
          ...(user === undefined ? [{ at: ['user'], message: 'is missing', fix: 'user: SERVICE_USER' }] : []),
        ]
      : [
          ...(issuer === undefined ? [{ at: ['issuer'], message: 'is missing', fix: 'issuer: …' }] : []),
          ...(account !== undefined || user !== undefined
            ? [{ at: ['account'], message: 'account and user are of the preset snowflake', fix: 'preset: snowflake' }]
            : []),
        ],
  prepare: async (config, tools) => ({
    config,
    signing: await openSigningSecret(config.key, config.algorithm, tools, 'key'),
  }),
  secrets: ({ signing }) => [signing.kept],
  async obtain(need, { config, signing }, tools) {
    const issuedAt = Math.floor(tools.now)
    const expiresAt = issuedAt + config.ttl
    const names =
      config.preset === 'snowflake'
        ? await snowflakeNames(config, signing, tools)
        : {
            iss: config.issuer ?? '',
            sub: config.subject === undefined ? (config.issuer ?? '') : statedText(config.subject, need.party),
          }
    const claims: Readonly<Record<string, Json>> = {
      ...config.claims,
      ...names,
      ...(config.audience === undefined ? {} : { aud: config.audience }),
      iat: issuedAt,
      exp: expiresAt,
      ...(config.preset === undefined ? { jti: tools.ports.ids.next() } : {}),
    }
    const header = config.keyId === undefined ? {} : { header: { kid: config.keyId } }
    return {
      parts: { access_token: await signJwt({ ...header, claims }, signing, tools) },
      token: { part: 'access_token', type: tokenTypes.jwt, scheme: 'Bearer' },
      expiresAt,
    }
  },
}

/** Without the region after the first dot; a replicated account's stands before `.global`, after the first hyphen. */
const accountName = (account: string): string => account.split(/\.global$/i.test(account) ? '-' : '.')[0] ?? ''

/** In upper case, and the key by its fingerprint. */
const snowflakeNames = async ({ account = '', user = '' }: Config, signing: SigningSecret, tools: ObtainTools) => {
  const name = `${accountName(account)}.${user}`.toUpperCase()
  const spki = await spkiOf(await publicKeyOf(signing, tools), signing.algorithm)
  const fingerprint = encodeBase64(await tools.ports.digest.hash('SHA-256', spki))
  return { iss: `${name}.SHA256:${fingerprint}`, sub: name }
}
