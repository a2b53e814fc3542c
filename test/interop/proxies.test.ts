import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { type Caller, call, type Mirror, startMirror } from './calling.ts'
import { openssl } from './certificates/openssl.ts'
import { type Chain, chainPem, leafNames, makeChain } from './certificates/toolkit.ts'
import { proxyId, type ServingCertificates, servingCertificates } from './proxies/certificates.ts'
import { type ProxyName, proxyNames, type RunningProxy, startProxy } from './proxies/proxies.ts'
import { programs } from './proxies/running-proxies.ts'

/** What real proxies make of a client's certificate. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

let chain: Chain
let serving: ServingCertificates
let known: Caller
let unknown: Caller
let stranger: Caller

beforeAll(async () => {
  chain = await makeChain(openssl, folder, 'p256')
  serving = await servingCertificates(folder)
  const authorities = pemOf(serving.authority.certificate)
  unknown = { authorities }
  const certificate = await chainPem([chain.leaf, chain.intermediate])
  known = { authorities, certificate, key: pemOf(chain.leaf.key) }
  const other = await openssl.issue(folder, 'p256', { commonName: 'stranger', purposes: ['client'] })
  stranger = { authorities, certificate: pemOf(other.certificate), key: pemOf(other.key) }
})

const pemOf = (file: string) => readFileSync(file, 'utf8')

const derOf = (file: string) => new X509Certificate(pemOf(file)).raw.toString('base64')

/** The fields that tell of certificates, in any dialect. */
const certificateFields = [
  'client-cert',
  'client-cert-chain',
  'ssl-client-cert',
  'ssl-client-verify',
  'x-forwarded-client-cert',
]

const passedOn = async (proxy: RunningProxy, caller: Caller, headers: Record<string, string> = {}) => {
  const { status, body } = await call(proxy.url, caller, { headers })
  expect(status).toBe(200)
  const fields = Object.entries(z.record(z.string(), z.array(z.string())).parse(JSON.parse(body)))
  return Object.fromEntries(fields.filter(([name]) => certificateFields.includes(name)))
}

const spoofed = Object.fromEntries(certificateFields.map((name) => [name, 'spoofed']))

/** Of Envoy's own field; its chain begins with the leaf. */
const envoyElement = async (): Promise<string> => {
  const { leaf, intermediate } = chain
  const hash = new X509Certificate(pemOf(leaf.certificate)).fingerprint256.replaceAll(':', '').toLowerCase()
  const [own, all] = [
    encodeURIComponent(pemOf(leaf.certificate)),
    encodeURIComponent(await chainPem([leaf, intermediate])),
  ]
  const names = `Subject="CN=p256 leaf";URI=${leafNames.uri[0]};DNS=${leafNames.dns[0]}`
  return `By=${proxyId};Hash=${hash};Cert="${own}";Chain="${all}";${names}`
}

/** What each passes on for the chain. */
const expected: Readonly<Record<ProxyName, () => Promise<Record<string, unknown>>>> = {
  nginx: async () => ({
    'ssl-client-cert': [encodeURIComponent(pemOf(chain.leaf.certificate))],
    'ssl-client-verify': ['SUCCESS'],
  }),
  haproxy: async () => ({
    'client-cert': [`:${derOf(chain.leaf.certificate)}:`],
    'client-cert-chain': [`:${derOf(chain.intermediate.certificate)}:`],
  }),
  envoy: async () => ({ 'x-forwarded-client-cert': [await envoyElement()] }),
}

const withoutOne: Readonly<Record<ProxyName, Record<string, unknown>>> = {
  nginx: { 'ssl-client-verify': ['NONE'] },
  haproxy: {},
  envoy: {},
}

describe.each(proxyNames)('%s', (name) => {
  let proxy: RunningProxy
  let mirror: Mirror
  beforeAll(async () => {
    const { listener } = serving
    const tls = { cert: pemOf(listener.certificate), key: pemOf(listener.key) }
    mirror = await (name === 'envoy' ? startMirror(tls) : startMirror())
    const ends = { clientAuthorities: chain.root.certificate, upstreamAuthorities: serving.authority.certificate }
    const options = { folder: join(folder, name), ...serving.proxy, ...ends, upstream: mirror.port }
    proxy = await startProxy(name, programs, options)
    return async () => {
      await proxy.stop()
      mirror.stop()
    }
  })

  it('passes the certificate of the client on', async () => {
    expect(await passedOn(proxy, known)).toEqual(await expected[name]())
  })

  it('puts it in the place of what the client sent', async () => {
    expect(await passedOn(proxy, known, spoofed)).toEqual(await expected[name]())
  })

  it('passes nothing on for a client without one, whatever it sent', async () => {
    expect(await passedOn(proxy, unknown)).toEqual(withoutOne[name])
    expect(await passedOn(proxy, unknown, spoofed)).toEqual(withoutOne[name])
  })

  it('turns a client away whose certificate is of an authority that it does not know', async () => {
    const answer = await call(proxy.url, stranger).catch(() => 'no handshake')
    expect(answer).toEqual(name === 'nginx' ? expect.objectContaining({ status: 400 }) : 'no handshake')
  })
})
