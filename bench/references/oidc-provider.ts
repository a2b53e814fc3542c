import { generateKeyPairSync } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { jwtVerify } from 'jose'
import type * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'
import {
  accessTokenType,
  exchangeSetup,
  keyClientId,
  lifetimeSeconds,
  secretClientId,
  targetAudience,
  targetScope,
  tokenExchange,
} from '../harness/exchange-setup.ts'
import { foreignAudience, foreignIssuer } from '../harness/foreign-issuer.ts'
import { foreignKey } from './foreign-key.ts'
import { listen } from './listen.ts'
import { canonicalIdentity } from './policy.ts'

/** oidc-provider with a token-exchange grant of its own making, which does the same work as dragoman's. */

/** The parts of oidc-provider that are used here; the package comes without types. */
interface Provider {
  readonly AccessToken: new (fields: Readonly<Record<string, unknown>>) => { save(): Promise<string> }
  readonly ResourceServer: new (identifier: string, settings: Readonly<Record<string, unknown>>) => object
  callback(): RequestListener
  registerGrantType(name: string, handle: (context: GrantContext) => Promise<void>, parameters: string[]): void
}

interface Issued {
  readonly extra: Readonly<Record<string, unknown>>
}

interface GrantContext {
  readonly oidc: { readonly client: { readonly clientId: string }; readonly params: Readonly<Record<string, string>> }
  body: unknown
}

type ProviderConstructor = new (issuer: string, configuration: object) => Provider

const issuer = 'https://oidc-provider.bench.example'

const serve = async (setup: z.infer<typeof exchangeSetup>) => {
  const { Provider }: { Provider: ProviderConstructor } = await import(import.meta.resolve('oidc-provider'))
  const provider = new Provider(issuer, configuration(setup))
  const subjectKey = await foreignKey(setup.discovery)
  const resourceServer = new provider.ResourceServer(targetAudience, {
    scope: targetScope,
    audience: targetAudience,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  })
  const exchange = async (context: GrantContext) => {
    const { client, params } = context.oidc
    const { payload } = await jwtVerify(params['subject_token'] ?? '', subjectKey, {
      issuer: foreignIssuer,
      audience: foreignAudience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'sub'],
    })
    if (params['audience'] !== targetAudience || params['scope'] !== targetScope) throw new Error('not allowed')
    const identity = canonicalIdentity(payload)
    const token = new provider.AccessToken({
      client,
      resourceServer,
      accountId: identity.subject,
      scope: targetScope,
      expiresIn: lifetimeSeconds,
      gty: tokenExchange,
      extra: identity.claims,
    })
    context.body = {
      access_token: await token.save(),
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
      scope: targetScope,
    }
  }
  provider.registerGrantType(tokenExchange, exchange, ['subject_token', 'subject_token_type', 'audience', 'scope'])
  return listen(provider.callback())
}

const configuration = ({ clientSecret, clientJwk }: z.infer<typeof exchangeSetup>) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const client = { grant_types: [tokenExchange], redirect_uris: [], response_types: [] }
  return {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'oidc-provider', alg: 'ES256', use: 'sig' }] },
    clients: [
      {
        ...client,
        client_id: secretClientId,
        client_secret: clientSecret,
        token_endpoint_auth_method: 'client_secret_basic',
      },
      {
        ...client,
        client_id: keyClientId,
        jwks: { keys: [clientJwk] },
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
      },
    ],
    clientAuthMethods: ['client_secret_basic', 'private_key_jwt'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES256'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256', grant_types: [tokenExchange], response_types: [] },
    features: { devInteractions: { enabled: false }, resourceIndicators: { enabled: true } },
    scopes: [targetScope],
    extraTokenClaims: (_context: unknown, token: Issued) => token.extra,
  }
}

answerQuestions({ listen: answerer(exchangeSetup, serve) })
