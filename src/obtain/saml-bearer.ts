import * as z from 'zod'
import { encodeBase64 } from '../formats/base64.ts'
import { encodeBase64url } from '../formats/base64url.ts'
import { presentedSecret } from '../formats/secret-settings.ts'
import { durationWithin } from '../formats/settings.ts'
import { certificatesInPem } from '../formats/x509/pem.ts'
import { askForToken } from './oauth-calls.ts'
import { addressed, clientAuth, type PreparedClientAuth, prepareClientAuth } from './oauth-client-auth.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'
import { type signatureMethods, signedSamlAssertion } from './saml-assertion.ts'
import { openSigningSecret, type SigningSecret } from './signed-assertion.ts'
import { namesIdentity, stated, statedText } from './stated.ts'
import { bearerHeader, targetKeys, targetParameters, tokenEndpoint } from './token-request.ts'

const algorithms = ['RS256', 'RS512', 'ES256'] as const satisfies readonly (keyof typeof signatureMethods)[]

const keys = {
  tokenEndpoint,
  clientAuth: clientAuth.optional(),
  encoding: z.enum(['base64url', 'base64']).default('base64url').meta({
    description: 'How the assertion is written: base64url as RFC 7522 says, or base64 as SuccessFactors wants.',
  }),
  assertion: z
    .strictObject({
      issuer: z.string().min(1).max(1_024).meta({ description: 'The Issuer, as the partner knows us.' }),
      subject: stated,
      nameIdFormat: z.string().min(1).max(256).default('urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified'),
      audience: z.string().min(1).max(1_024).meta({ description: 'The Audience: the partner as it names itself.' }),
      key: presentedSecret,
      algorithm: z.enum(algorithms).default('RS256'),
      certificate: z.string().min(1).optional().meta({
        description: 'A PEM file with our certificate, relative to the documents, to stand in the signature.',
      }),
      ttl: durationWithin(30, 3_600, 'between 30s and 1h').default(300),
      attributes: z
        .record(z.string().min(1), z.string())
        .default({})
        .meta({ description: 'Attributes, as they stand.' }),
    })
    .meta({ description: 'The assertion that is presented.' }),
  ...targetKeys,
}

type Config = CommonSettings & z.output<z.ZodObject<typeof keys>>

interface Prepared {
  readonly config: Config
  readonly auth?: PreparedClientAuth
  readonly signing: SigningSecret & { readonly algorithm: (typeof algorithms)[number] }
  readonly certificate?: string
}

/** RFC 7522 section 2.1. */
const grantType = 'urn:ietf:params:oauth:grant-type:saml2-bearer'

const utf8 = new TextEncoder()

/** A SAML assertion of ours for a token (RFC 7522). */
export const samlBearer: Obtainer<Config, Prepared> = {
  kind: 'saml-bearer',
  keys,
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: ({ assertion }) => namesIdentity(assertion.subject),
  scopes: ({ scopes }) => scopes,
  endpoints: ({ tokenEndpoint: url }) => [{ at: ['tokenEndpoint'], url }],
  async prepare(config, tools) {
    const { key, algorithm, certificate } = config.assertion
    const [leaf] = certificate === undefined ? [] : certificatesInPem(await tools.ports.files.read(certificate))
    return {
      config,
      ...(config.clientAuth && { auth: await prepareClientAuth(config.clientAuth, tools) }),
      signing: { ...(await openSigningSecret(key, algorithm, tools, 'key')), algorithm },
      ...(leaf && { certificate: encodeBase64(leaf) }),
    }
  },
  secrets: ({ auth, signing }) => [...(auth?.secrets ?? []), signing.kept],
  async obtain(need, { config, auth, signing, certificate }, tools) {
    const { issuer, subject, nameIdFormat, audience, ttl, attributes } = config.assertion
    const endpoint = config.tokenEndpoint
    const xml = await signedSamlAssertion(
      {
        issuer,
        subject: statedText(subject, need.party),
        nameIdFormat,
        audience,
        recipient: endpoint,
        ttl,
        attributes,
        certificate,
      },
      signing,
      tools,
    )
    const encode = config.encoding === 'base64' ? encodeBase64 : encodeBase64url
    return askForToken(
      {
        ...addressed(endpoint, auth, tools),
        grantType,
        parameters: targetParameters(config, need, { assertion: encode(utf8.encode(xml.reveal())) }),
      },
      tools,
    )
  },
}
