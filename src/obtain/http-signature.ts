import { createSignature, isSignatureError, type Signer } from 'http-message-sig'
import * as z from 'zod'
import type { OutgoingRequest } from '../domain/partner.ts'
import { Refusal } from '../domain/refusal.ts'
import { secret } from '../domain/secret.ts'
import { decodeBase64, encodeBase64 } from '../formats/base64.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { durationWithin } from '../formats/settings.ts'
import type { JwsAlgorithm } from '../ports/signatures.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import type { CommonSettings, Obtainer, ObtainTools, SignedRequest } from './obtainer.ts'
import { openSigningSecret, type SigningSecret, signText } from './signed-assertion.ts'

/** The algorithms of RFC 9421 section 3.3 by those of JWS that compute the same. */
const asymmetric = {
  'ecdsa-p256-sha256': 'ES256',
  'ecdsa-p384-sha384': 'ES384',
  ed25519: 'Ed25519',
  'rsa-v1_5-sha256': 'RS256',
  'rsa-pss-sha512': 'PS512',
} as const satisfies Readonly<Record<string, JwsAlgorithm>>

const algorithms = [
  'ecdsa-p256-sha256',
  'ecdsa-p384-sha384',
  'ed25519',
  'rsa-v1_5-sha256',
  'rsa-pss-sha512',
  'hmac-sha256',
] as const

const component = z
  .string()
  .regex(
    /^(?:@method|@target-uri|@authority|@scheme|@request-target|@path|@query|[a-z0-9][a-z0-9-]{0,63})$/,
    'a derived component of RFC 9421 or the name of a header field',
  )

/** Fields that are taken off or set when the request leaves, or that belong to one connection. */
const unfit: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'cookie',
  'host',
  'proxy-authorization',
  'signature',
  'signature-input',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const keys = {
  key: presentedSecret.meta({ description: 'The private key, PEM or JWK; for hmac-sha256 the secret in base64.' }),
  keyId: z
    .string()
    .regex(/^[\x20-\x7e]{1,256}$/, 'visible ASCII')
    .meta({ description: '`keyid`.' }),
  algorithm: z.enum(algorithms).default('ecdsa-p256-sha256'),
  components: z.array(component).min(1).default(['@method', '@authority', '@path', '@query', 'content-digest']).meta({
    description:
      'What is signed. @query may be absent, and what speaks of content where there is none; a request without the others is not signed.',
  }),
  label: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'lower-case letters, digits, _ and -')
    .default('sig1'),
  namesAlgorithm: z.boolean().default(true).meta({ description: 'Say `alg` in the parameters.' }),
  ttl: durationWithin(5, 3_600, 'between 5s and 1h').optional().meta({ description: 'Say `expires`, so long after.' }),
  tag: z
    .string()
    .regex(/^[\x20-\x7e]{1,256}$/, 'visible ASCII')
    .optional()
    .meta({ description: '`tag`.' }),
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly key: SigningSecret | { readonly kept: KeptSecret; readonly algorithm: 'hmac-sha256' }
}

/** A request is signed for one delivery: who gets it does not take it for long. */
const usuallyGoodFor = 60

/** HTTP message signatures (RFC 9421), with Content-Digest (RFC 9530) where the content is known. */
export const httpSignature: Obtainer<Config, Prepared> = {
  kind: 'http-signature',
  keys,
  isRepeatable: true,
  parts: () => [],
  usualHeaders: () => [],
  namesParty: () => false,
  endpoints: () => [],
  remarks: ({ components }) => [
    ...components.flatMap((name, index) => {
      const why = wrongAt(components, index)
      return why === undefined ? [] : [{ at: ['components', index], message: `${name} ${why}` }]
    }),
    ...(components.some((name) => name === '@authority' || name === '@target-uri')
      ? []
      : [{ at: ['components'], message: 'a signature over no host is good at every host', fix: "'@authority'" }]),
  ],
  async prepare(config, tools) {
    const { algorithm, key } = config
    return {
      config,
      key:
        algorithm === 'hmac-sha256'
          ? { kept: await openKeptSecret(key, tools, 'key'), algorithm }
          : await openSigningSecret(key, asymmetric[algorithm], tools, 'key'),
    }
  },
  secrets: ({ key }) => [key.kept],
  obtain: async () => ({ parts: {} }),
  signedFields: ({ components }) => components.filter((name) => !name.startsWith('@')),
  sign: (request, _credential, { config, key }, tools) => signed(config, key, request, tools),
}

const wrongAt = (components: readonly string[], index: number): string | undefined => {
  const name = components[index] ?? ''
  if (components.indexOf(name) !== index) return 'stands twice'
  return unfit.has(name) ? 'does not reach the partner as the request has it' : undefined
}

const signed = async (
  config: Config,
  key: Prepared['key'],
  request: OutgoingRequest,
  tools: ObtainTools,
): Promise<SignedRequest> => {
  const headers = { ...request.headers, ...contentDigestOf(config, request) }
  const components = coveredOf(config, request, headers)
  const fields = components.filter((name) => !name.startsWith('@'))
  const created = Math.floor(tools.now)
  const { algorithm, label, ttl } = config
  const { signature, signatureInput } = await createSignature(
    { ...messageOf(request), fields: fields.map((name) => ({ name, value: headers[name] ?? '' })) },
    { label, components, parameters: parametersOf(config, created), signer: signerOf(algorithm, key, tools) },
  ).catch((thrown: unknown) => {
    throw isSignatureError(thrown) ? new Refusal('partner.not_carriable', thrown.message, { cause: thrown }) : thrown
  })
  const digest = components.includes(digestField) ? headers[digestField] : undefined
  return {
    set: [
      ...(digest === undefined ? [] : [[digestField, secret(digest)] as const]),
      ['signature-input', secret(signatureInput)],
      ['signature', secret(signature)],
    ],
    boundTo: [
      'method',
      'url',
      ...(fields.some((name) => name !== digestField) ? (['headers'] as const) : []),
      ...(digest === undefined ? [] : (['content_sha256'] as const)),
    ],
    expiresAt: created + (ttl ?? usuallyGoodFor),
  }
}

const messageOf = ({ method, scheme = 'https', host, port, sentPath, query }: OutgoingRequest) => {
  const requestTarget = query === '' ? sentPath : `${sentPath}?${query}`
  const authority = port === undefined ? host : `${host}:${port}`
  return { kind: 'request', method, targetUri: `${scheme}://${authority}${requestTarget}`, requestTarget } as const
}

/** The parameters in the order of RFC 9421 section 2.3's examples. */
const parametersOf = ({ ttl, keyId, namesAlgorithm, algorithm, tag }: Config, created: number) => ({
  created,
  ...(ttl === undefined ? {} : { expires: created + ttl }),
  keyid: keyId,
  ...(namesAlgorithm ? { alg: algorithm } : {}),
  ...(tag === undefined ? {} : { tag }),
})

const digestField = 'content-digest'

/**
 * The components that the request has. What is told of a request is not all that it has, so that what is to be covered and
 * is not told could come later, uncovered.
 *
 * @throws Refusal `partner.not_carriable`
 */
const coveredOf = (
  { components }: Config,
  { method, query }: OutgoingRequest,
  headers: Readonly<Record<string, string>>,
): readonly string[] =>
  components.filter((name) => {
    const isThere = name.startsWith('@') ? name !== '@query' || query !== '' : Object.hasOwn(headers, name)
    if (!isThere && !mayBeAbsent(name, method)) throw uncovered(name, method)
    return isThere
  })

const withoutContent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

const mayBeAbsent = (name: string, method: string): boolean =>
  name === '@query' || (name.startsWith('content-') && withoutContent.has(method))

const uncovered = (name: string, method: string) =>
  new Refusal(
    'partner.not_carriable',
    name === digestField
      ? `a ${method} is signed with the digest of its content, which is not known`
      : `the signature is over ${name}, which is not known of the request`,
  )

/** RFC 9530 section 2. What the request says itself stands, since whoever makes it knows its content. */
const contentDigestOf = (
  { components }: Config,
  { contentDigest }: OutgoingRequest,
): Readonly<Record<string, string>> => {
  if (contentDigest === undefined || contentDigest === 'UNSIGNED-PAYLOAD' || !components.includes(digestField))
    return {}
  const bytes = Uint8Array.from(contentDigest.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  return { [digestField]: `sha-256=:${encodeBase64(bytes)}:` }
}

const signerOf = (algorithm: string, key: Prepared['key'], tools: ObtainTools): Signer => ({
  algorithm,
  sign: (data) =>
    key.algorithm === 'hmac-sha256'
      ? hmac(tools.secret(key.kept).reveal(), data, tools)
      : signText(new TextDecoder().decode(data), { kept: key.kept, algorithm: key.algorithm }, tools),
})

const hmac = async (value: string, data: Uint8Array, { partner }: ObtainTools): Promise<Uint8Array> => {
  const key = await hmacKey(value, partner)
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, Uint8Array.from(data)))
}

const hmacKey = async (value: string, partner: string) => {
  try {
    const bytes = Uint8Array.from(decodeBase64(value.trim()))
    return await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  } catch {
    throw new Refusal('secret.unavailable', `the key of ${partner} cannot be used: it is not base64`)
  }
}
