import { createSignature, type Signer } from 'http-message-sig'
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

const keys = {
  key: presentedSecret.meta({ description: 'The private key, PEM or JWK; for hmac-sha256 the secret in base64.' }),
  keyId: z
    .string()
    .regex(/^[\x20-\x7e]{1,256}$/, 'visible ASCII')
    .meta({ description: '`keyid`.' }),
  algorithm: z.enum(algorithms).default('ecdsa-p256-sha256'),
  components: z
    .array(component)
    .min(1)
    .default(['@method', '@authority', '@path', '@query', 'content-digest'])
    .meta({ description: 'What is signed, as far as the request has it. @query and header fields may be absent.' }),
  label: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'lower-case letters, digits, _ and -')
    .default('sig1'),
  namesAlgorithm: z.boolean().default(true).meta({ description: 'Say `alg` in the parameters.' }),
  ttl: durationWithin(5, 3_600, 'between 5s and 1h').optional().meta({ description: 'Say `expires`, so long after.' }),
  tag: z.string().min(1).max(256).optional().meta({ description: '`tag`.' }),
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
  sign: (request, _credential, { config, key }, tools) => signed(config, key, request, tools),
}

const signed = async (
  config: Config,
  key: Prepared['key'],
  request: OutgoingRequest,
  tools: ObtainTools,
): Promise<SignedRequest> => {
  const headers = { ...request.headers, ...contentDigestOf(request) }
  const fields = Object.entries(headers).map(([name, value]) => ({ name, value }))
  const components = config.components.filter((name) => isThere(name, request, headers))
  requireContentCovered(config, components, request)
  const { host, port, path, query, scheme = 'https' } = request
  const authority = port === undefined ? host : `${host}:${port}`
  const created = Math.floor(tools.now)
  const { algorithm, keyId, label, ttl, tag } = config
  const { signature, signatureInput } = await createSignature(
    {
      kind: 'request',
      method: request.method,
      targetUri: `${scheme}://${authority}${path}${query === '' ? '' : `?${query}`}`,
      fields,
    },
    {
      label,
      components,
      parameters: {
        created,
        ...(ttl === undefined ? {} : { expires: created + ttl }),
        keyid: keyId,
        ...(config.namesAlgorithm ? { alg: algorithm } : {}),
        ...(tag === undefined ? {} : { tag }),
      },
      signer: signerOf(algorithm, key, tools),
    },
  )
  const digest = headers['content-digest']
  return {
    set: [
      ...(digest === undefined ? [] : [['content-digest', secret(digest)] as const]),
      ['signature-input', secret(signatureInput)],
      ['signature', secret(signature)],
    ],
    boundTo: [
      'method',
      'url',
      ...(components.some((name) => !name.startsWith('@') && name !== 'content-digest') ? (['headers'] as const) : []),
      ...(digest === undefined ? [] : (['content_sha256'] as const)),
    ],
    expiresAt: created + (ttl ?? usuallyGoodFor),
  }
}

const isThere = (name: string, { query }: OutgoingRequest, headers: Readonly<Record<string, string>>): boolean => {
  if (name === '@query') return query !== ''
  return name.startsWith('@') || headers[name] !== undefined
}

const withoutContent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

/** Where the content is to be covered and nobody says what it is, a signature would promise what is not so. */
const requireContentCovered = (
  { components }: Config,
  present: readonly string[],
  { method }: OutgoingRequest,
): void => {
  if (!components.includes('content-digest') || present.includes('content-digest') || withoutContent.has(method)) return
  throw new Refusal('partner.not_carriable', `a ${method} is signed with the digest of its content, which is not known`)
}

/** RFC 9530 section 2. What the request says itself stands, since whoever makes it knows its content. */
const contentDigestOf = ({ contentDigest }: OutgoingRequest): Readonly<Record<string, string>> => {
  if (contentDigest === undefined || contentDigest === 'UNSIGNED-PAYLOAD') return {}
  const bytes = Uint8Array.from(contentDigest.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  return { 'content-digest': `sha-256=:${encodeBase64(bytes)}:` }
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
