import * as oauth from 'oauth4webapi'
import * as z from 'zod'
import type { Claims, Json } from '../domain/claims.ts'
import type { Secret } from '../domain/secret.ts'
import type { Seconds } from '../domain/time.ts'
import { encodeBase64 } from '../formats/base64.ts'
import { encodeBase64url } from '../formats/base64url.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { durationWithin } from '../formats/settings.ts'
import { certificatesInPem } from '../formats/x509/pem.ts'
import { jwsAlgorithms } from '../ports/signatures.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import type { TokenCall } from './oauth-calls.ts'
import type { ObtainTools, PrepareTools, SendLimits } from './obtainer.ts'
import { openSigningSecret, type SigningSecret, signJwt } from './signed-assertion.ts'

/** How we say at an authorization server who we are (RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2). */

const clientId = z
  .string()
  .regex(/^[\x20-\x7e]{1,2048}$/, 'visible ASCII')
  .meta({ description: 'Our client_id there.' })

const assertionAudience = z
  .string()
  .min(1)
  .max(2_048)
  .default('tokenEndpoint')
  .meta({
    description: '`aud` of the assertion: tokenEndpoint (the default), or a text such as the issuer of the server.',
    examples: ['https://as.example.com'],
  })

const longestAssertion: Seconds = 300

const assertionTtl = durationWithin(5, longestAssertion, 'between 5s and 5m').default(60)

const secretMethods = z.strictObject({
  method: z.enum(['client_secret_basic', 'client_secret_post']),
  clientId,
  clientSecret: presentedSecret,
})

const privateKeyJwt = z.strictObject({
  method: z.literal('private_key_jwt'),
  clientId,
  key: presentedSecret,
  algorithm: z.enum(jwsAlgorithms).default('RS256').meta({ description: 'Default RS256.' }),
  keyId: z.string().min(1).max(256).optional().meta({ description: '`kid` of the assertion.' }),
  certificate: z.string().min(1).optional().meta({
    description: 'A PEM file, relative to the documents: its thumbprint stands in the assertion as x5t#S256.',
  }),
  sendCertificate: z.boolean().default(false).meta({ description: 'Put the certificate itself into x5c as well.' }),
  audience: assertionAudience,
  ttl: assertionTtl,
})

/** Keyless: the server trusts our issuer (RFC 7523 section 2.2). */
const ownJwt = z.strictObject({
  method: z.literal('own_jwt'),
  clientId,
  subject: z.string().min(1).max(2_048).optional().meta({ description: '`sub` of the assertion. Default: clientId.' }),
  audience: assertionAudience,
  ttl: assertionTtl,
})

const tlsClientAuth = z.strictObject({
  method: z.literal('tls_client_auth'),
  clientId,
  certificate: z.string().min(1).meta({ description: 'A PEM file with our certificate, relative to the documents.' }),
  key: presentedSecret,
})

const none = z.strictObject({ method: z.literal('none'), clientId })

export const clientAuth = z
  .union([secretMethods, privateKeyJwt, ownJwt, tlsClientAuth, none])
  .meta({ description: 'How we say there who we are.' })

export type ClientAuthSettings = z.output<typeof clientAuth>

/** A way to authenticate, made ready. */
export interface PreparedClientAuth {
  readonly clientId: string
  readonly secrets: readonly KeptSecret[]
  /** For one request: an assertion is never used twice. */
  readonly authentication: (endpoint: string, tools: ObtainTools) => oauth.ClientAuth
  readonly limits: (tools: ObtainTools) => SendLimits
}

/** The address of a request of a token endpoint, and who makes it; without `auth` nobody says who they are. */
export const addressed = (
  endpoint: string,
  auth: PreparedClientAuth | undefined,
  tools: ObtainTools,
): Pick<TokenCall, 'endpoint' | 'clientId' | 'authentication' | 'limits'> =>
  auth === undefined
    ? { endpoint, clientId: 'dragoman', authentication: () => undefined }
    : {
        endpoint,
        clientId: auth.clientId,
        authentication: auth.authentication(endpoint, tools),
        limits: auth.limits(tools),
      }

/** @throws Error that says which secret or file is missing */
export const prepareClientAuth = async (
  settings: ClientAuthSettings,
  tools: PrepareTools,
): Promise<PreparedClientAuth> => {
  if (settings.method === 'none') return unproven(settings.clientId)
  if (settings.method === 'own_jwt') return byOwnJwt(settings)
  if (settings.method === 'tls_client_auth') return byCertificate(settings, tools)
  return settings.method === 'private_key_jwt' ? byPrivateKey(settings, tools) : bySecret(settings, tools)
}

const noLimits = (): SendLimits => ({})

/** A public client. */
const unproven = (id: string): PreparedClientAuth => ({
  clientId: id,
  secrets: [],
  authentication: () => oauth.None(),
  limits: noLimits,
})

const bySecret = async (
  { method, clientId: id, clientSecret }: z.output<typeof secretMethods>,
  tools: PrepareTools,
): Promise<PreparedClientAuth> => {
  const kept = await openKeptSecret(clientSecret, tools, 'clientSecret')
  const authenticateBy = method === 'client_secret_basic' ? oauth.ClientSecretBasic : oauth.ClientSecretPost
  return {
    clientId: id,
    secrets: [kept],
    authentication: (_, { secret }) => authenticateBy(secret(kept).reveal()),
    limits: noLimits,
  }
}

const byCertificate = async (
  { clientId: id, certificate: file, key }: z.output<typeof tlsClientAuth>,
  tools: PrepareTools,
): Promise<PreparedClientAuth> => {
  const certificate = await tools.ports.files.read(file)
  certificatesInPem(certificate)
  const kept = await openKeptSecret(key, tools, 'key')
  return {
    clientId: id,
    secrets: [kept],
    authentication: () => oauth.TlsClientAuth(),
    limits: ({ secret }) => ({ clientCertificate: { certificate, key: secret(kept) } }),
  }
}

const byOwnJwt = ({ clientId: id, subject, audience, ttl }: z.output<typeof ownJwt>): PreparedClientAuth => ({
  clientId: id,
  secrets: [],
  limits: noLimits,
  authentication: (endpoint, { vouch }) =>
    byAssertion(id, () => vouch({ subject: subject ?? id, audience: audienceOf(audience, endpoint), ttl })),
})

const byPrivateKey = async (
  settings: z.output<typeof privateKeyJwt>,
  tools: PrepareTools,
): Promise<PreparedClientAuth> => {
  const signing = await openSigningSecret(settings.key, settings.algorithm, tools, 'key')
  const header = await headerOf(settings, tools)
  return {
    clientId: settings.clientId,
    secrets: [signing.kept],
    limits: noLimits,
    authentication: (endpoint, obtaining) =>
      byAssertion(settings.clientId, () => assertion(settings, endpoint, header, signing, obtaining)),
  }
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A JWT as client assertion (RFC 7523 section 2.2), made when it is needed. */
export const byAssertion =
  (id: string, make: () => Promise<Secret<string>>): oauth.ClientAuth =>
  async (_server, _client, body) => {
    body.set('client_id', id)
    body.set('client_assertion_type', assertionType)
    body.set('client_assertion', (await make()).reveal())
  }

const audienceOf = (audience: string, endpoint: string): string => (audience === 'tokenEndpoint' ? endpoint : audience)

/** RFC 7515 sections 4.1.4, 4.1.6 and 4.1.8. */
const headerOf = async (
  { keyId, certificate, sendCertificate }: z.output<typeof privateKeyJwt>,
  { ports }: PrepareTools,
): Promise<Claims> => {
  const named = keyId === undefined ? {} : { kid: keyId }
  if (certificate === undefined) return named
  const chain = certificatesInPem(await ports.files.read(certificate))
  const [leaf] = chain
  if (leaf === undefined) return named
  return {
    ...named,
    'x5t#S256': encodeBase64url(await ports.digest.hash('SHA-256', leaf)),
    ...(sendCertificate ? { x5c: chain.map(encodeBase64) } : {}),
  }
}

/** RFC 7523 section 3: for one use, by its `jti`. */
const assertion = (
  { clientId: id, audience, ttl }: z.output<typeof privateKeyJwt>,
  endpoint: string,
  header: Claims,
  signing: SigningSecret,
  tools: ObtainTools,
): Promise<Secret<string>> => {
  const issuedAt = Math.floor(tools.now)
  const claims: Readonly<Record<string, Json>> = {
    iss: id,
    sub: id,
    aud: audienceOf(audience, endpoint),
    jti: tools.ports.ids.next(),
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + ttl,
  }
  return signJwt({ header, claims }, signing, tools)
}
