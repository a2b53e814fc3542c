import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import * as z from 'zod'
import type { Obtained, OutgoingRequest } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { Seconds } from '../domain/time.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import { region } from './aws-sts.ts'
import type { CommonSettings, Obtainer, ObtainTools, SignedRequest } from './obtainer.ts'

const keys = {
  service: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'the name of a service in signatures')
    .meta({ description: 'The service.', examples: ['s3', 'execute-api'] }),
  region,
  accessKeyId: z
    .string()
    .regex(/^[A-Za-z0-9]{1,128}$/, 'an access key id')
    .optional()
    .meta({ description: 'The id of a key that does not end. Better: `from` with aws-sts.' }),
  secretAccessKey: presentedSecret.optional(),
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly secretAccessKey?: KeptSecret
}

/** The clock of a service may differ from ours by so much, and so long a signature is good. */
const goodFor: Seconds = 900

const emptyDigest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** AWS Signature Version 4 over one request, with keys of a role or of a user. */
export const awsSigv4: Obtainer<Config, Prepared> = {
  kind: 'aws-sigv4',
  keys,
  takesInner: 'may',
  isRepeatable: true,
  parts: () => [],
  usualHeaders: () => [],
  namesParty: () => false,
  endpoints: () => [],
  remarks({ accessKeyId, secretAccessKey }, from) {
    const isStatic = accessKeyId !== undefined && secretAccessKey !== undefined
    const isHalf = (accessKeyId === undefined) !== (secretAccessKey === undefined)
    return isHalf || isStatic === (from !== undefined)
      ? [
          {
            at: ['from'],
            message: 'needs exactly one of from, and accessKeyId with secretAccessKey',
            fix: 'from: { type: aws-sts, … }',
          },
        ]
      : []
  },
  prepare: async (config, tools) => ({
    config,
    ...(config.secretAccessKey && {
      secretAccessKey: await openKeptSecret(config.secretAccessKey, tools, 'secretAccessKey'),
    }),
  }),
  secrets: ({ secretAccessKey }) => (secretAccessKey === undefined ? [] : [secretAccessKey]),
  async obtain(_need, { config, secretAccessKey }, tools) {
    if (secretAccessKey !== undefined) {
      const id = secret(config.accessKeyId ?? '')
      return { parts: { access_key_id: id, secret_access_key: tools.secret(secretAccessKey) } }
    }
    const { parts, expiresAt } = await tools.inner()
    return { parts, ...(expiresAt === undefined ? {} : { expiresAt }) }
  },
  sign: (request, credential, { config }, tools) => signedBy(config, request, credential, tools),
}

const signedBy = async (
  { service, region: name }: Config,
  request: OutgoingRequest,
  { parts }: Obtained,
  { now }: ObtainTools,
): Promise<SignedRequest> => {
  const contentDigest = digestOf(request, service)
  const signer = new SignatureV4({
    service,
    region: name,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    credentials: {
      accessKeyId: parts['access_key_id']?.reveal() ?? '',
      secretAccessKey: parts['secret_access_key']?.reveal() ?? '',
      ...(parts['session_token'] && { sessionToken: parts['session_token'].reveal() }),
    },
  })
  const host = request.port === undefined ? request.host : `${request.host}:${request.port}`
  const { 'content-type': contentType } = request.headers
  const { headers } = await signer.sign(
    {
      method: request.method,
      protocol: 'https:',
      hostname: request.host,
      path: canonicalPath(request.path),
      query: queryOf(request.query),
      headers: {
        host,
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        'x-amz-content-sha256': contentDigest,
      },
    },
    { signingDate: new Date(now * 1_000) },
  )
  const set = Object.entries(headers)
    .filter(([field]) => field.toLowerCase() === 'authorization' || field.toLowerCase().startsWith('x-amz-'))
    .map(([field, value]) => [field.toLowerCase(), secret(value)] as const)
  return {
    set,
    boundTo: ['method', 'url', ...(contentType === undefined ? [] : (['headers'] as const)), 'content_sha256'],
    expiresAt: now + goodFor,
  }
}

/** Requests of these methods have no content unless somebody says so. */
const withoutContent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

const digestOf = ({ method, contentDigest, scheme }: OutgoingRequest, service: string): string => {
  if (contentDigest === 'UNSIGNED-PAYLOAD' && (service !== 's3' || scheme === 'http'))
    throw new Refusal(
      'partner.not_carriable',
      'content that is not covered by the signature is taken by s3 over TLS only',
    )
  if (contentDigest !== undefined) return contentDigest
  if (withoutContent.has(method)) return emptyDigest
  throw new Refusal(
    'partner.not_carriable',
    `a ${method} is signed with the SHA-256 of its content, which is not known`,
  )
}

/** Every segment escaped once, but for what AWS leaves as it is. */
const canonicalPath = (path: string): string =>
  path
    .split('/')
    .map((segment) => escaped(decodeURIComponent(segment)))
    .join('/')

const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** @throws Refusal `partner.not_carriable` where two readers would see different parameters */
const queryOf = (query: string): Record<string, string | string[]> => {
  if (query.includes('+'))
    throw new Refusal('partner.not_carriable', 'a plus sign in a query is a space to some: write %20 or %2B')
  const parameters = new Map<string, string[]>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', ...rest] = pair.split('=')
    const values = parameters.get(decoded(name)) ?? []
    parameters.set(decoded(name), [...values, decoded(rest.join('='))])
  }
  return Object.fromEntries(
    [...parameters].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new Refusal('partner.not_carriable', 'the query has escapes that are not UTF-8', { cause })
  }
}
