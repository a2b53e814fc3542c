import { type Context, Hono } from 'hono'
import type { Desk } from '../desk.ts'
import type { Caller } from '../domain/caller.ts'
import { paths } from '../domain/endpoints.ts'
import { authz } from './authz.ts'
import { egress } from './egress.ts'
import { described, invalidation } from './egress-described.ts'
import { httpCallOf } from './http-call.ts'
import { introspection } from './introspection.ts'
import { authorizationServerMetadata, jwksMaxAge, openidMetadata, publishedKeys, spiffeBundle } from './metadata.ts'
import { token } from './token.ts'

const cached = (seconds: number) => ({
  'content-type': 'application/json',
  'cache-control': `public, max-age=${seconds}`,
})
const json = (body: unknown, seconds: number) => new Response(JSON.stringify(body), { headers: cached(seconds) })

/**
 * What a runtime knows of the connection that a request came over, from what it puts beside the request. Asked while the
 * request is attended to, so it may throw a Refusal.
 */
export type CallerOf = (env: unknown, request: Request) => Caller

/**
 * The public listener. `desk` yields what is in force at the moment, so that a reload is one assignment; each request
 * takes it once and stays with it.
 */
export const createApp = (desk: () => Desk, callerOf: CallerOf = () => ({})): Hono => {
  const app = new Hono()
  const callOf = ({ req, env }: Context) => httpCallOf(req.raw, () => callerOf(env, req.raw))
  app.all(paths.token, (context) => token(callOf(context), desk()))
  app.all(paths.introspection, (context) => introspection(callOf(context), desk()))
  app.all(`${paths.authz}*`, (context) => authz(callOf(context), desk()))
  app.all(`${paths.egress}*`, (context) => egress(callOf(context), desk()))
  app.all(paths.egressDescribed, (context) => described(callOf(context), desk()))
  app.all(paths.egressInvalidation, (context) => invalidation(callOf(context), desk()))
  app.get(paths.jwks, () => json(publishedKeys(desk()), jwksMaxAge))
  app.get(paths.oauthMetadata, () => json(authorizationServerMetadata(desk()), jwksMaxAge))
  app.get(paths.openidMetadata, () => json(openidMetadata(desk()), jwksMaxAge))
  app.get(paths.spiffeBundle, (context) => {
    const bundle = spiffeBundle(desk())
    return bundle === undefined ? context.notFound() : json(bundle, jwksMaxAge)
  })
  app.notFound(
    () => new Response('{"error":"not_found"}', { status: 404, headers: { 'content-type': 'application/json' } }),
  )
  return app
}
