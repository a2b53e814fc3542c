import { spawnSync } from 'node:child_process'
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { authzWitness, type Head } from '../harness/authz-witness.ts'
import { type Contender, servingContender, type TokenUse } from '../harness/contender.ts'
import { startDragoman } from '../harness/dragoman.ts'
import { listening } from '../harness/exchange-setup.ts'
import { foreignAudience, foreignIssuer } from '../harness/foreign-issuer.ts'
import { asGateway } from '../harness/forwarded-request.ts'
import { freePort, whenReady } from '../harness/readiness.ts'
import { ours } from '../harness/result.ts'
import { startReference, type World } from '../harness/world.ts'
import { repeated } from './exchange.ts'

/** The contenders that the authz scenarios are put together from. */

/** dragoman as it is asked by a gateway, and how long its answers are; nothing where it is to be left out. */
export const askedDragoman = async (
  world: World,
  use: TokenUse,
): Promise<readonly { readonly contender: Contender; readonly head: Head }[]> => {
  if (world.options.referencesOnly) return []
  const server = await startDragoman(world, { gateway: true })
  const target = asGateway(server.port, world.setup.clientSecret)
  const head = await authzWitness(world, server, target)
  return [{ contender: servingContender(ours, server.child, world.cores, loadOf(world, server.port, use)), head }]
}

const loadOf = (world: World, port: number, use: TokenUse) => ({
  generator: world.generator,
  target: asGateway(port, world.setup.clientSecret),
  use,
})

/** What an answer looks like where dragoman is left out. */
const usualHead: Head = [['Authorization', `Bearer ${'x'.repeat(900)}`]]

/** A server that reads such requests and gives an answer as long as `head`, whatever they are. */
export const getFloor = async (world: World, head: Head = usualHead): Promise<Contender> => {
  const child = startReference(world, 'get-floor')
  const { port } = await child.ask('listen', { headers: head }, listening)
  return servingContender('get-floor', child, world.cores, loadOf(world, port, repeated))
}

/** HAProxy, verifying the foreign token itself each time. It mints nothing. Left out where it is not on the path. */
export const haproxyVerifying = async (world: World): Promise<readonly Contender[]> => {
  if (spawnSync('haproxy', ['-v']).error !== undefined) {
    process.stderr.write('authz-warm: haproxy is not on the path and is left out\n')
    return []
  }
  const port = await freePort()
  const [key, configuration] = [join(world.folder, 'issuer.pem'), join(world.folder, 'haproxy.cfg')]
  const jwk: JsonWebKey = world.pool.jwk
  writeFileSync(key, createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))
  writeFileSync(configuration, haproxyConfiguration(port, key))
  const child = world.start({ side: 'server', program: 'haproxy', args: ['-db', '-f', configuration], answers: false })
  await whenReady(child, port, '/ready')
  return [servingContender('haproxy-jwt', child, world.cores, loadOf(world, port, repeated))]
}

const haproxyConfiguration = (port: number, key: string): string => `
global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend bench
  bind 127.0.0.1:${port}
  http-request return status 200 if { path /ready }
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.sub) var(txn.bearer),jwt_payload_query('$.sub')
  http-request set-var(txn.now) date
  http-request deny unless { var(txn.bearer),jwt_header_query('$.alg') -m str RS256 }
  http-request deny unless { var(txn.iss) -m str ${foreignIssuer} } { var(txn.aud) -m str ${foreignAudience} }
  http-request deny if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny unless { var(txn.bearer),jwt_verify("RS256","${key}") 1 }
  http-request return status 200 hdr X-Subject %[var(txn.sub)]
`
