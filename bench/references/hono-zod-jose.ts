import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'
import {
  accessTokenType,
  exchangeSetup,
  jwtTokenType,
  lifetimeSeconds,
  secretClientId,
  targetAudience,
  targetScope,
  tokenExchange,
} from '../harness/exchange-setup.ts'
import { foreignAudience, foreignIssuer } from '../harness/foreign-issuer.ts'
import { foreignKey } from './foreign-key.ts'
import { listenHono } from './listen.ts'
import { canonicalIdentity } from './policy.ts'

/**
 * The exchange as one writes it with good common libraries and no thought of speed: Hono, zod, jose. It leaves out
 * middleware, audit and an expression language, so it is a stronger opponent than a complete service would be.
 */

const issuer = 'https://hono-zod-jose.bench.example'
const kid = 'hono-zod-jose'

const exchangeRequest = z.object({
  grant_type: z.literal(tokenExchange),
  subject_token: z.string().min(1).max(16_384),
  subject_token_type: z.literal(jwtTokenType),
  audience: z.literal(targetAudience),
  scope: z.literal(targetScope),
})

const serve = async (setup: z.infer<typeof exchangeSetup>) => {
  const subjectKey = await foreignKey(setup.discovery)
  const own = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(own.publicKey)), kid, alg: 'ES256', use: 'sig' }
  const isClient = basicAuthentication(secretClientId, setup.clientSecret)

  const app = new Hono()
  app.get('/jwks', (context) => context.json({ keys: [jwk] }))
  app.post('/token', async (context) => {
    if (!isClient(context.req.header('authorization'))) return context.json({ error: 'invalid_client' }, 401)
    const form = exchangeRequest.safeParse(Object.fromEntries(new URLSearchParams(await context.req.text())))
    if (!form.success) return context.json({ error: 'invalid_request' }, 400)
    const verified = await jwtVerify(form.data.subject_token, subjectKey, {
      issuer: foreignIssuer,
      audience: foreignAudience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'sub'],
    })
    const identity = canonicalIdentity(verified.payload)
    const accessToken = await new SignJWT({ ...identity.claims, client_id: secretClientId, scope: targetScope })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .setIssuer(issuer)
      .setSubject(identity.subject)
      .setAudience(targetAudience)
      .setIssuedAt()
      .setExpirationTime(`${lifetimeSeconds}s`)
      .setJti(crypto.randomUUID())
      .sign(own.privateKey)
    return context.json(
      {
        access_token: accessToken,
        issued_token_type: accessTokenType,
        token_type: 'Bearer',
        expires_in: lifetimeSeconds,
        scope: targetScope,
      },
      200,
      { 'cache-control': 'no-store' },
    )
  })
  return listenHono(app)
}

const digest = (text: string) => createHash('sha256').update(text).digest()

const basicAuthentication = (clientId: string, secret: string) => {
  const wanted = digest(`${clientId}:${secret}`)
  return (authorization = ''): boolean => {
    const [scheme, credentials = ''] = authorization.split(' ')
    return scheme === 'Basic' && timingSafeEqual(digest(Buffer.from(credentials, 'base64').toString()), wanted)
  }
}

answerQuestions({ listen: answerer(exchangeSetup, serve) })
