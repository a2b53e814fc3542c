import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { type CertificateWorld, openCertificateWorld, orders, thumbprintOf } from './certificate-world.ts'

/** Tokens of ours that are bound to a certificate (RFC 8705 section 3), and workloads that prove themselves by one. */

const rules = (...all: readonly object[]) =>
  all.map((rule) => ({ identity: 'same', grant: { audiences: [orders], scopes: ['orders:read'] }, ...rule }))

const onward = {
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name: 'onward' },
  spec: {
    source: { canonical: { audiences: [orders] } },
    rules: rules(
      { name: 'by-workload', when: { actor: { map: 'workloads' } } },
      {
        name: 'newly-bound',
        when: { claims: { rule: 'alone' } },
        grant: { audiences: [orders], scopes: ['orders:read'], senderConstraint: 'mtls' },
      },
      { name: 'all' },
    ),
  },
}

let world: CertificateWorld
beforeAll(async () => {
  world = await openCertificateWorld({ documents: [onward], sources: ['people', 'workloads', 'onward'] })
})
afterAll(() => world.stop())

const pass = (subject_token: string, how: Parameters<CertificateWorld['exchange']>[1]) =>
  world.exchange({ subject_token, subject_token_type: tokenTypes.accessToken }, how)

const bound = async () => {
  const subject_token = await world.idToken({ team: 'bound' })
  const { ordersCertificate: certificate } = world
  const { body, claims } = await world.exchange({ subject_token }, { as: 'service', certificate })
  return { token: String(body['access_token']), claims }
}

describe('a bound token of ours', () => {
  it('is narrowed for its holder, and stays bound', async () => {
    const { token, claims } = await bound()
    const passed = await pass(token, { as: 'service', certificate: world.ordersCertificate })
    expect(passed.status).toBe(200)
    expect(passed.claims).toMatchObject({
      txn: claims['txn'],
      cnf: { 'x5t#S256': thumbprintOf(world.ordersCertificate) },
      act: { sub: 'workload:orders', identity_type: 'workload' },
    })
  })

  it('is refused without its certificate, over another, and to a gateway that vouches for certificates', async () => {
    const { token } = await bound()
    const other = world.authority.issue({ subject: 'other', dns: ['other.workloads.example'] })
    for (const [how, reason] of [
      [{ as: 'service' }, 'credential.confirmation_required'],
      [{ as: 'gateway' }, 'credential.confirmation_required'],
      [{ as: 'service', certificate: other }, 'credential.confirmation_mismatch'],
    ] as const)
      expect(await pass(token, how)).toMatchObject({ status: 400, body: { error: 'invalid_request' }, reason })
  })
})

describe('a token of ours that is not bound', () => {
  it('is bound where the rule wants it, to the certificate of whoever passes it on', async () => {
    const { body } = await world.exchange({}, { as: 'service' })
    const token = String(body['access_token'])
    expect(await pass(token, { as: 'service' })).toMatchObject({ status: 400, reason: 'certificate.missing' })
    const certificate = world.stranger.issue({ subject: 'stranger' })
    const passed = await pass(token, { as: 'service', certificate })
    expect(passed.claims).toMatchObject({
      rule: 'newly-bound',
      cnf: { 'x5t#S256': thumbprintOf(certificate) },
      act: { client_id: 'service' },
    })
  })
})
