import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { authorizationDefinition } from '../../src/runtimes/node/grpc-definitions.ts'
import { clientAssertion } from '../world/client-assertion.ts'
import { type Document, documentsFor, fileOf, keyCallerDocument, writeWhole } from '../world/documents.ts'
import { eventually, subjectTokenTypes } from '../world/dragoman.ts'
import { grpcCaller } from '../world/grpc-caller.ts'
import { clients } from '../world/openid-provider-settings.ts'
import { forged, granted, invalid, present, type Running, startBoth } from '../world/running.ts'
import { newSigningKey, publicHalf, type SigningKey } from '../world/signing-keys.ts'
import {
  askForCredential,
  auditOf,
  bearerIn,
  canonicalToken,
  gatewaySecret,
  partner,
  tokenOfProvider,
  wayOut,
} from '../world/way-out.ts'
import { servers } from './runtimes/servers.ts'

/** The same server on Node, Deno and Bun, as it is built: the same questions, the same answers. */

const documents = (issuer: string, key: SigningKey): readonly Document[] => [
  ...documentsFor(issuer),
  ...wayOut,
  keyCallerDocument('deployer', publicHalf(key), ['people']),
  partner('basic', tokenOfProvider(issuer)),
]

describe.each(servers)('dragoman on %s', (_name, programFor) => {
  let running: Running
  let key: SigningKey
  beforeAll(async () => {
    key = await newSigningKey('ES256', 'deployer-1')
    running = await startBoth((issuer) => documents(issuer, key), undefined, {
      program: programFor(),
      options: ['--grpc-port', '0'],
    })
    return running.stop
  }, 60_000)

  const idToken = () => running.provider.idToken('alice')

  it.each(['RS256', 'ES256'] as const)(
    'exchanges an ID token under %s for one that holds by the published keys',
    async (alg) => {
      const { provider, dragoman } = running
      const form = {
        subject_token: await provider.idToken('alice', alg),
        subject_token_type: subjectTokenTypes.idToken,
      }
      const { body } = await dragoman.exchange(form)
      expect((await dragoman.verified(body.access_token)).payload).toMatchObject({
        sub: 'user:alice',
        groups: ['engineering', 'on-call'],
      })
    },
  )

  it('exchanges opaque tokens, by introspection', async () => {
    const { provider, dragoman } = running
    const form = {
      subject_token: await provider.opaqueToken('alice'),
      subject_token_type: subjectTokenTypes.accessToken,
    }
    expect((await dragoman.exchange(form)).status).toBe(200)
  })

  it('refuses what is forged, garbled or of nobody', async () => {
    const good = await idToken()
    expect(await present(running, good)).toEqual(granted)
    expect(await present(running, await forged(running))).toEqual(invalid('credential.signature_invalid'))
    expect(await present(running, `${good.slice(0, -8)}AAAAAAAA`)).toEqual(invalid('credential.signature_invalid'))
    expect(await present(running, 'a.b.c')).toEqual(invalid('credential.malformed'))
  })

  it('takes a client assertion once', async () => {
    const { dragoman } = running
    const form = {
      subject_token: await idToken(),
      subject_token_type: subjectTokenTypes.idToken,
      ...(await clientAssertion(key, 'deployer', dragoman.issuer)),
    }
    expect((await dragoman.exchange(form)).status).toBe(200)
    const again = await dragoman.exchange(form)
    expect([again.status, await dragoman.reasonOf(again)]).toEqual([401, 'client.assertion_replayed'])
  })

  it('gives a gateway the credential of a partner', async () => {
    const { provider, dragoman } = running
    const token = await canonicalToken(provider, dragoman, 'alice')
    const given = bearerIn(await askForCredential(dragoman, token, 'basic.example'))
    expect(decodeJwt(given)).toMatchObject({ client_id: clients.outwardBasic.client_id })
    expect(await auditOf(dragoman, 'basic')).toMatchObject({ decision: 'granted', txn: decodeJwt(token)['txn'] })
  })

  it('answers Envoy over gRPC', async () => {
    const { provider, dragoman } = running
    const port = Number(/gRPC port (\d+)/.exec(dragoman.output())?.[1])
    const caller = grpcCaller(port, await authorizationDefinition())
    try {
      const headers = { authorization: `Bearer ${await canonicalToken(provider, dragoman, 'alice')}` }
      const http = { method: 'GET', scheme: 'http', host: 'basic.example', path: '/', headers }
      const asked = { attributes: { request: { http } } }
      const metadata = { 'x-gateway': gatewaySecret, 'x-dragoman-gateway': 'envoy' }
      expect(await caller.call('Check', asked, metadata)).toMatchObject({
        message: { okResponse: { headers: [{ header: { key: 'authorization' } }] } },
      })
      expect(await caller.call('Check', asked, { 'x-dragoman-gateway': 'envoy' })).toMatchObject({
        message: { deniedResponse: { status: { code: 403 } } },
      })
    } finally {
      caller.close()
    }
  })

  it('follows its documents, and keeps the last good ones', async () => {
    const { provider, dragoman, folder } = running
    const [people] = documentsFor(provider.issuer)
    if (people === undefined) throw new Error('there is no map')
    const file = join(folder, 'maps', fileOf(people))
    writeWhole(file, 'spec: [')
    await eventually(() => (/people\.yaml/.test(dragoman.output()) ? true : undefined), 10_000)
    expect(await present(running, await idToken())).toEqual(granted)
    const rules = people.spec['rules'] as readonly object[]
    const nobody = { ...rules[0], when: { claims: { email: 'nobody@acme.example' } } }
    writeWhole(file, JSON.stringify({ ...people, spec: { ...people.spec, rules: [nobody] } }))
    await eventually(async () => ((await present(running, await idToken())).status === 200 ? undefined : true), 10_000)
    expect(await present(running, await idToken())).toEqual(invalid('rule.none_matched'))
  })

  it('finishes and ends when it is told to', async () => {
    expect(await running.dragoman.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  })

  it('remembers across a restart what was used', async () => {
    const next = await running.restart()
    const form = {
      subject_token: await idToken(),
      subject_token_type: subjectTokenTypes.idToken,
      ...(await clientAssertion(key, 'deployer', next.issuer)),
    }
    const first = await next.exchange(form)
    expect([first.status, await next.reasonOf(first).catch(() => '')]).toEqual([400, 'rule.none_matched'])
    await next.stop('SIGKILL')
    const last = await running.restart()
    const again = await last.exchange(form)
    expect([again.status, await last.reasonOf(again)]).toEqual([401, 'client.assertion_replayed'])
  })
})
