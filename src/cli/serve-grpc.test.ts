import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { expect, it, onTestFinished } from 'vitest'
import { testAuthority } from '../../test/world/certificates.ts'
import { type GrpcCallerOptions, grpcCaller } from '../../test/world/grpc-caller.ts'
import { runProgram, startProgram, temporaryFolder } from '../../test/world/program.ts'
import { newStoredKey } from '../mint/stored-key.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { authorizationDefinition, healthDefinition } from '../runtimes/node/grpc-definitions.ts'
import { writeKey } from '../runtimes/node/key-folder.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'

const edge = `apiVersion: dragoman/v1alpha1
kind: Gateway
metadata: { name: edge }
spec:
  authenticate: { network: [127.0.0.1] }
  dialect: envoy-grpc
  anonymous: pass
  routes: [{ name: all, audience: https://orders.example }]
`

const [authority, nextAuthority] = [testAuthority('Servers'), testAuthority('Next')]
const onLoopback = { ips: [Buffer.from([127, 0, 0, 1])] }

const home = async (gateway = edge): Promise<string> => {
  const cwd = temporaryFolder()
  mkdirSync(join(cwd, 'trust-maps'))
  writeFileSync(join(cwd, 'trust-maps', 'edge.yaml'), gateway)
  const ports = { signatures: createNodeSignatures(), digest: createNodeDigest() }
  await writeKey(join(cwd, 'keys'), { ...(await newStoredKey('ES256', 0, ports)), activeFrom: 0 })
  return cwd
}

const serve = async (cwd: string, ...words: readonly string[]) => {
  const common = ['serve', '--issuer', 'https://dragoman.example', '--port', '0', '--audit', 'none']
  const program = startProgram([...common, ...words], { cwd })
  const [, port] = await program.said(/dragoman: listening on .* admin [^ ,]+(?:, gRPC port (\d+))?\)\n/)
  return { ...program, port: Number(port) }
}

const calling = (port: number, definition: Parameters<typeof grpcCaller>[1], options?: GrpcCallerOptions) => {
  const caller = grpcCaller(port, definition, options)
  onTestFinished(() => caller.close())
  return caller
}

const request = {
  attributes: { request: { http: { method: 'GET', scheme: 'https', host: 'orders.example', path: '/' } } },
}
const metadata = { 'x-dragoman-gateway': 'edge' }
const passed = { message: { okResponse: { headers: expect.anything() } } }
const denied = { message: { deniedResponse: { status: { code: 403 } } } }

it('answers gateways and load balancers, follows its documents, and ends well', async () => {
  const cwd = await home()
  const { port, ...program } = await serve(cwd, '--grpc-port', '0')
  const check = calling(port, await authorizationDefinition())
  expect(await check.call('Check', request, metadata)).toMatchObject(passed)

  const health = calling(port, healthDefinition())
  for (const service of ['', 'envoy.service.auth.v3.Authorization'])
    expect(await health.call('Check', { service })).toEqual({ message: { status: 1 } })
  expect(await health.call('Check', { service: 'another.Service' })).toEqual({ code: status.NOT_FOUND })

  writeFileSync(join(cwd, 'trust-maps', 'edge.yaml'), edge.replace('127.0.0.1', '192.0.2.1'))
  await program.said(/documents have changed/)
  expect(await check.call('Check', request, metadata)).toMatchObject(denied)
  expect(await program.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(await check.call('Check', request, metadata)).toEqual({ code: status.UNAVAILABLE })
}, 30_000)

it('speaks TLS with the certificate of the HTTPS listener, and renews it', async () => {
  const cwd = await home()
  const write = (name: string, text: string) => writeFileSync(join(cwd, name), text)
  const [first, next] = [authority.issue(onLoopback), nextAuthority.issue(onLoopback)]
  write('listener.pem', first.pem)
  write('listener.key', first.privateKeyPem)
  const tls = ['--tls-cert', 'listener.pem', '--tls-key', 'listener.key', '--client-ca', 'any']
  const { port, ...program } = await serve(cwd, '--grpc-port', '0', ...tls)
  const definition = await authorizationDefinition()
  const asked = (ca?: string) =>
    calling(port, definition, ca === undefined ? {} : { ca }).call('Check', request, metadata)
  expect(await asked(authority.pem)).toMatchObject(passed)
  expect(await asked()).toEqual({ code: status.UNAVAILABLE })
  write('listener.key', next.privateKeyPem)
  write('listener.pem', next.pem)
  await program.said(/certificate of the listener has changed/)
  expect(await asked(authority.pem)).toEqual({ code: status.UNAVAILABLE })
  expect(await asked(nextAuthority.pem)).toMatchObject(passed)
  await program.stop()
}, 30_000)

it('says when gateways ask over gRPC and nobody listens, or the other way round', async () => {
  const unheard = await serve(await home())
  expect(unheard.port).toBeNaN()
  await unheard.said(/edge.*no port for them: --grpc-port/)
  const idle = await serve(await home(edge.replace('envoy-grpc', 'nginx')), '--grpc-port', '0')
  await idle.said(/no Gateway document has the dialect envoy-grpc/)
  const taken = ['serve', '--issuer', 'https://dragoman.example', '--port', '0', '--grpc-port', String(idle.port)]
  const ended = await runProgram(taken, { cwd: await home() })
  expect(ended).toMatchObject({ code: 1, err: expect.stringMatching(`127.0.0.1:${idle.port}: EADDRINUSE`) })
}, 30_000)
