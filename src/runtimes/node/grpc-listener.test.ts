import { connect as connectHttp2, constants } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { testAuthority } from '../../../test/world/certificates.ts'
import { type GrpcCallerOptions, grpcCaller } from '../../../test/world/grpc-caller.ts'
import type { Caller } from '../../domain/caller.ts'
import { healthDefinition } from './grpc-definitions.ts'
import { type GrpcListener, listenGrpc, maxMessageBytes } from './grpc-listener.ts'

const authority = testAuthority('Servers')
const workloads = testAuthority('Workloads')
const intermediate = workloads.subordinate('Intermediate')
const server = authority.issue({ ips: [Buffer.from([127, 0, 0, 1])] })
const material = { cert: server.pem, key: server.privateKeyPem }

const closings: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close()
})

const definition = healthDefinition()

type Attend = (service: string) => Promise<number>

/** A listener whose one method answers with a number, and the callers that it saw. */
const listen = async (clientCa?: string, attend: Attend = async () => 1, tls = clientCa !== undefined) => {
  const seen: Caller[] = []
  const files = { cert: '', key: '', ...(clientCa === undefined ? {} : { clientCa }) }
  const ca = clientCa === undefined || clientCa === 'any' ? {} : { ca: clientCa }
  const listener = await listenGrpc(
    (callerOf) => [
      {
        definition,
        implementation: {
          check(
            call: ServerUnaryCall<{ service?: string }, { status: number }>,
            answer: sendUnaryData<{ status: number }>,
          ) {
            seen.push(callerOf(call.metadata))
            void attend(call.request.service ?? '').then((number) => answer(null, { status: number }))
          },
        },
      },
    ],
    '127.0.0.1',
    0,
    tls ? { files, material: { ...material, ...ca } } : undefined,
  )
  closings.push(() => listener.close(0))
  return { listener, seen }
}

const caller = ({ port }: GrpcListener, options?: GrpcCallerOptions) => {
  const opened = grpcCaller(port, definition, options)
  closings.push(() => opened.close())
  return opened
}

const identityOf = (leaf: { pem: string; privateKeyPem: string }, ...above: readonly { pem: string }[]) => ({
  cert: leaf.pem + above.map(({ pem }) => pem).join(''),
  key: leaf.privateKeyPem,
})

describe('who calls', () => {
  it('is the address of the connection, in the clear', async () => {
    const { listener, seen } = await listen()
    expect(await caller(listener).call('Check', {})).toEqual({ message: { status: 1 } })
    expect(seen).toEqual([{ address: '127.0.0.1' }])
  })

  it('is the chain that was shown on that very connection, intermediates and all', async () => {
    const { listener, seen } = await listen('any')
    const orders = intermediate.issue({ subject: 'orders' })
    const billing = workloads.issue({ subject: 'billing' })
    const [first, second, third] = [
      caller(listener, { ca: authority.pem, identity: identityOf(orders, intermediate) }),
      caller(listener, { ca: authority.pem, identity: identityOf(billing) }),
      caller(listener, { ca: authority.pem }),
    ]
    for (const each of [first, second, third, first]) expect(await each.call('Check', {})).toHaveProperty('message')
    const [one, two, three, four] = seen.map(({ chain }) => chain)
    expect(one).toEqual([new Uint8Array(orders.der), new Uint8Array(intermediate.der)])
    expect(two).toEqual([new Uint8Array(billing.der)])
    expect(three).toBeUndefined()
    // One connection keeps one chain: what was found out about it is kept with it.
    expect(four).toBe(one)
  })

  it('is nobody when another authority than the named one vouches for it, and anybody without a certificate', async () => {
    const { listener, seen } = await listen(workloads.pem)
    const stranger = caller(listener, { ca: authority.pem, identity: identityOf(testAuthority('Others').issue()) })
    expect(await stranger.call('Check', {})).toEqual({ code: status.UNAVAILABLE })
    expect(seen).toEqual([])
    const known = caller(listener, { ca: authority.pem, identity: identityOf(workloads.issue()) })
    for (const each of [known, caller(listener, { ca: authority.pem })])
      expect(await each.call('Check', {})).toHaveProperty('message')
  })
})

describe('the connection', () => {
  it('speaks HTTP/2 over TLS and nothing else', async () => {
    const { listener } = await listen('any')
    const offering = (protocols: readonly string[]) =>
      new Promise<string>((resolve) => {
        const options = { port: listener.port, host: '127.0.0.1', ca: authority.pem, ALPNProtocols: [...protocols] }
        const socket = connectTls(options, () => {
          resolve(String(socket.alpnProtocol))
          socket.destroy()
        })
        socket.on('error', ({ message }) => resolve(message))
      })
    expect(await offering(['h2'])).toBe('h2')
    expect(await offering(['http/1.1'])).toMatch(/no application protocol/i)
  })

  it('takes another certificate for new connections when it is told to', async () => {
    const { listener } = await listen('any')
    const next = testAuthority('Next')
    const renewed = next.issue({ ips: [Buffer.from([127, 0, 0, 1])] })
    expect(await caller(listener, { ca: next.pem }).call('Check', {})).toEqual({ code: status.UNAVAILABLE })
    listener.renew({ cert: renewed.pem, key: renewed.privateKeyPem })
    expect(await caller(listener, { ca: next.pem }).call('Check', {})).toEqual({ message: { status: 1 } })
  })

  it('carries a bounded number of calls at once, and calls of bounded length', async () => {
    const { listener, seen } = await listen()
    const session = connectHttp2(`http://127.0.0.1:${listener.port}`)
    closings.push(() => session.destroy())
    await new Promise((resolve) => session.once('remoteSettings', resolve))
    expect(session.remoteSettings.maxConcurrentStreams).toBe(256)
    const service = (length: number) => caller(listener).call('Check', { service: 's'.repeat(length) })
    expect(await service(maxMessageBytes)).toEqual({ code: status.RESOURCE_EXHAUSTED })
    expect(seen).toEqual([])
    expect(await service(maxMessageBytes - 16)).toHaveProperty('message')
  })

  it('survives what is no call', async () => {
    const { listener } = await listen()
    const session = connectHttp2(`http://127.0.0.1:${listener.port}`)
    closings.push(() => session.destroy())
    const sent = (headers: Readonly<Record<string, string>>, body: Uint8Array) =>
      new Promise<unknown>((resolve) => {
        const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', ...headers })
        stream.on('response', (fields) => resolve(fields['grpc-status'] ?? fields[constants.HTTP2_HEADER_STATUS]))
        stream.on('error', () => resolve('error'))
        stream.end(body)
      })
    const grpc = { 'content-type': 'application/grpc' }
    const framed = (message: readonly number[], compressed = 0) =>
      Uint8Array.from([compressed, 0, 0, 0, message.length, ...message])
    expect(await sent({ 'content-type': 'text/plain' }, framed([]))).toBe(415)
    expect(await sent({ ...grpc, ':path': '/another.Service/Check' }, framed([]))).toBe(String(status.UNIMPLEMENTED))
    expect(await sent(grpc, framed([0x0a, 0xff, 0xff]))).toBe(String(status.INTERNAL))
    expect(await sent({ ...grpc, 'grpc-encoding': 'gzip' }, framed([1, 2, 3], 1))).toBe(String(status.INTERNAL))
    expect(await caller(listener).call('Check', {})).toEqual({ message: { status: 1 } })
  })
})

describe('the end', () => {
  it('lets a call in flight finish, and takes no other', async () => {
    const held = Promise.withResolvers<number>()
    const { listener, seen } = await listen(undefined, () => held.promise)
    const early = caller(listener)
    const answer = early.call('Check', {})
    while (seen.length === 0) await sleep(5)
    const closed = listener.close(10)
    expect(await caller(listener).call('Check', {})).toEqual({ code: status.UNAVAILABLE })
    expect(await Promise.race([closed.then(() => 'closed'), sleep(100)])).toBeUndefined()
    held.resolve(7)
    expect(await answer).toEqual({ message: { status: 7 } })
    await closed
  })

  it('waits no longer than it is told', async () => {
    const { listener, seen } = await listen(undefined, () => new Promise(() => undefined))
    const answer = caller(listener).call('Check', {})
    while (seen.length === 0) await sleep(5)
    const start = performance.now()
    await listener.close(0.2)
    expect(performance.now() - start).toBeLessThan(2_000)
    expect(await answer).toHaveProperty('code')
  })
})
