import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import * as z from 'zod'
import type { Obtained, OutgoingRequest } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import type { Seconds } from '../domain/time.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import { invalidAnswer } from './answers.ts'
import { keptFor } from './aws-sts-answer.ts'
import { canonicalPath, queryOf } from './aws-target.ts'
import type { CredentialSettings } from './credential-settings.ts'
import type { CommonSettings, Obtainer, ObtainTools, SignedRequest } from './obtainer.ts'

const keys = {
  service: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'the name of a service in signatures')
    .meta({ description: 'The service.', examples: ['s3', 'execute-api'] }),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'the name of a region in signatures')
    .meta({ description: 'The region. Stores that speak like S3 have names of their own.', examples: ['eu-west-1'] }),
  accessKeyId: z
    .string()
    .regex(/^[A-Za-z0-9_.+=@-]{1,128}$/, 'an access key id')
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

const idPart = 'access_key_id'
const keyPart = 'secret_access_key'
const tokenPart = 'session_token'

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
  remarks: ({ accessKeyId, secretAccessKey }, from) =>
    isComplete(accessKeyId, secretAccessKey, from as CredentialSettings | undefined)
      ? []
      : [
          {
            at: ['from'],
            message:
              'needs exactly one of accessKeyId with secretAccessKey, and from with a credential that is such keys',
            fix: 'from: { type: aws-sts, … }',
          },
        ],
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
      return { parts: { [idPart]: id, [keyPart]: tools.secret(secretAccessKey) } }
    }
    const { parts, expiresAt } = await tools.inner()
    return { parts, ...(expiresAt === undefined ? {} : { expiresAt, keepFor: keptFor(expiresAt, tools.now) }) }
  },
  signedFields: () => usualFields,
  sign: (request, credential, { config }, tools) => signedBy(config, request, credential, tools),
}

const isComplete = (id: unknown, key: unknown, from: CredentialSettings | undefined): boolean => {
  if (from === undefined) return id !== undefined && key !== undefined
  return id === undefined && key === undefined && from.obtainer.parts(from.config).includes(keyPart)
}

/** What clients of S3 send beside, where not every name is told. */
const usualFields = [
  'content-type',
  'x-amz-acl',
  'x-amz-copy-source',
  'x-amz-server-side-encryption',
  'x-amz-storage-class',
  'x-amz-tagging',
  'x-amz-target',
]

/** Names of S3 and its like in signatures: paths are escaped once, and content may be left out of the signature. */
const likeS3: ReadonlySet<string> = new Set(['s3', 's3-outposts', 's3-object-lambda', 's3express'])

const signedBy = async (
  { service, region }: Config,
  request: OutgoingRequest,
  credential: Obtained,
  { now }: ObtainTools,
): Promise<SignedRequest> => {
  const isS3 = likeS3.has(service)
  const credentials = credentialsOf(credential)
  const told = signedHeadersOf(request, credentials.sessionToken !== undefined)
  const signer = new SignatureV4({ service, region, sha256: Sha256, uriEscapePath: !isS3, credentials })
  const { headers } = await signer.sign(
    {
      method: request.method,
      protocol: 'https:',
      hostname: request.host,
      path: isS3 ? canonicalPath(request.sentPath) : request.sentPath,
      query: queryOf(request.query),
      headers: { ...told, host: hostOf(request), 'x-amz-content-sha256': digestOf(request, isS3) },
    },
    { signingDate: new Date(now * 1_000) },
  )
  return {
    set: ours.flatMap((name) => {
      const value = headers[name]
      return value === undefined ? [] : [[name, secret(value)] as const]
    }),
    boundTo: ['method', 'url', ...(Object.keys(told).length === 0 ? [] : (['headers'] as const)), 'content_sha256'],
    expiresAt: now + goodFor,
  }
}

/** The header fields that a signature consists of: what a request has under these names does not count. */
const ours = ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256']

/** @throws Refusal `partner.invalid_answer` */
const credentialsOf = ({ parts }: Obtained) => {
  const { [idPart]: id, [keyPart]: key, [tokenPart]: token } = parts
  if (id === undefined || key === undefined) throw invalidAnswer('there are no keys to sign with')
  return {
    accessKeyId: id.reveal(),
    secretAccessKey: key.reveal(),
    ...(token && { sessionToken: token.reveal() }),
  }
}

/**
 * What of the request's header fields is covered: AWS refuses a request with an x-amz-* field that is not.
 *
 * @throws Refusal `partner.not_carriable`
 */
const signedHeadersOf = ({ headers }: OutgoingRequest, hasSession: boolean): Record<string, string> => {
  if (headers['x-amz-security-token'] !== undefined && !hasSession)
    throw new Refusal('partner.not_carriable', 'the request has an x-amz-security-token of its own')
  const signed = Object.entries(headers).filter(
    ([name]) => name === 'content-type' || (name.startsWith('x-amz-') && !ours.includes(name)),
  )
  const odd = signed.find(([, value]) => !/^[\t\x20-\x7e]*$/.test(value))
  if (odd !== undefined) throw new Refusal('partner.not_carriable', `${odd[0]} has characters that are not ASCII`)
  return Object.fromEntries(signed)
}

/** Clients leave the usual port out of Host (RFC 9110 section 7.2). */
const hostOf = ({ scheme = 'https', host, port }: OutgoingRequest): string =>
  port === undefined || port === (scheme === 'https' ? '443' : '80') ? host : `${host}:${port}`

const emptyDigest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** Requests of these methods have no content unless somebody says so. */
const withoutContent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

const digestOf = ({ method, contentDigest, scheme }: OutgoingRequest, isS3: boolean): string => {
  if (contentDigest === 'UNSIGNED-PAYLOAD' && !(isS3 && scheme === 'https'))
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
