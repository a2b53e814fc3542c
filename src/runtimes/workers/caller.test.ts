import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, type CertificateWorld, openCertificateWorld, orders } from '../../../test/http/certificate-world.ts'
import { tokenTypes } from '../../domain/token-type.ts'
import { createApp } from '../../http/app.ts'
import { callerOf } from './caller.ts'

let world: CertificateWorld
beforeAll(async () => {
  world = await openCertificateWorld()
})
afterAll(() => world.stop())

const verified = { certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0' }
const field = (der: Uint8Array) => `:${Buffer.from(der).toString('base64')}:`

/** Posts as a Worker is called: the web platform's Request with what Cloudflare puts beside it. */
const exchange = async (tlsClientAuth: object | undefined, form: Readonly<Record<string, string>>) => {
  const request = new Request('https://dragoman.example.com/token', {
    method: 'POST',
    headers: form['client_id'] === undefined ? { authorization: basic('service') } : {},
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: orders,
      ...form,
    }),
  })
  const asCalled = tlsClientAuth === undefined ? request : Object.assign(request, { cf: { tlsClientAuth } })
  const response = await createApp(() => world.desk, callerOf).fetch(asCalled)
  const { outcome } = world.traces.at(-1) ?? {}
  return { status: response.status, reason: outcome?.granted === false ? outcome.reason : undefined }
}

const ofOrders = () => ({
  client_id: 'orders',
  subject_token: world.ordersCertificate.pem,
  subject_token_type: tokenTypes.x509Chain,
})

describe('a client certificate that the edge of Cloudflare has seen', () => {
  it('is that of the client', async () => {
    const tls = { ...verified, certRFC9440: field(world.ordersCertificate.der) }
    expect(await exchange(tls, ofOrders())).toEqual({ status: 200, reason: undefined })
  })

  it('comes with its intermediates', async () => {
    const between = world.authority.subordinate('Between')
    const leaf = between.issue({ subject: 'orders', dns: ['orders.workloads.example'] })
    const form = { ...ofOrders(), subject_token: leaf.pem + between.pem }
    const tls = { ...verified, certRFC9440: field(leaf.der) }
    expect(await exchange({ ...tls, certChainRFC9440: field(between.der) }, form)).toMatchObject({ status: 200 })
    expect(await exchange(tls, form)).toEqual({ status: 401, reason: 'client.credential_invalid' })
  })

  it.each([
    ['was not verified', { certVerified: 'FAILED:self signed certificate' }, 'certificate.unverified'],
    ['was revoked', { certRevoked: '1' }, 'certificate.unverified'],
    ['was too large', { certRFC9440: '', certRFC9440TooLarge: true }, 'certificate.header_malformed'],
  ])('is refused when it %s', async (_, changes, reason) => {
    const tls = { ...verified, certRFC9440: field(world.ordersCertificate.der), ...changes }
    expect(await exchange(tls, ofOrders())).toEqual({ status: 400, reason })
  })

  it('is none when none was presented', async () => {
    const none = { certPresented: '0', certVerified: 'NONE', certRevoked: '0' }
    for (const tls of [none, undefined])
      expect(await exchange(tls, ofOrders())).toEqual({ status: 401, reason: 'client.missing' })
  })
})
