import { once } from 'node:events'
import { connect } from 'node:tls'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { testAuthority, testCertificate } from '../world/certificates.ts'
import {
  type CertificateWorld,
  openCertificateWorld,
  orders,
  thumbprintOf,
  trustDomain,
  us,
} from './certificate-world.ts'

let world: CertificateWorld
beforeAll(async () => {
  world = await openCertificateWorld()
})
afterAll(() => world.stop())

const crlPem = (der: Uint8Array) =>
  `-----BEGIN X509 CRL-----\n${Buffer.from(der).toString('base64')}\n-----END X509 CRL-----\n`

const get = async (path: string): Promise<Record<string, unknown>> => {
  const { createApp } = await import('../../src/http/app.ts')
  const response = await createApp(() => world.desk).request(path)
  return response.status === 404 ? {} : ((await response.json()) as Record<string, unknown>)
}

describe('a caller is known by its certificate', () => {
  it('of an authority that its document names, with the name that is its own', async () => {
    const { status, claims } = await world.exchange({ client_id: 'orders' }, { certificate: world.ordersCertificate })
    expect({ status, client: claims['client_id'] }).toEqual({ status: 200, client: 'orders' })
    const { status: bySubject } = await world.exchange(
      { client_id: 'by-subject' },
      { certificate: world.ordersCertificate },
    )
    expect(bySubject).toBe(200)
  })

  it('that is registered for it, whoever issued it', async () => {
    const { status } = await world.exchange({ client_id: 'self-signed' }, { certificate: world.selfSigned })
    expect(status).toBe(200)
  })

  it('through an intermediate that it sends along', async () => {
    const between = world.authority.subordinate('Between')
    const certificate = between.issue({ subject: 'o', dns: ['orders.workloads.example'] })
    expect((await world.exchange({ client_id: 'orders' }, { certificate, chain: [between] })).status).toBe(200)
    expect(await world.exchange({ client_id: 'orders' }, { certificate })).toMatchObject({
      status: 401,
      reason: 'client.credential_invalid',
    })
  })

  it.each([
    ['of another name', () => world.authority.issue({ dns: ['billing.workloads.example'] })],
    ['of another authority', () => world.stranger.issue({ dns: ['orders.workloads.example'] })],
    ['with the name as common name only', () => world.authority.issue({ subject: 'orders.workloads.example' })],
    ['that has expired', () => world.authority.issue({ dns: ['orders.workloads.example'], notAfter: world.now() - 5 })],
    ['for servers only', () => world.authority.issue({ dns: ['orders.workloads.example'], eku: ['serverAuth'] })],
    ['that is self-signed', () => testCertificate({ dns: ['orders.workloads.example'] })],
  ])('but not by one %s', async (_, certificate) => {
    const answer = await world.exchange({ client_id: 'orders' }, { certificate: certificate() })
    expect(answer).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
      reason: 'client.credential_invalid',
    })
  })

  it('but not where another certificate is registered', async () => {
    const answer = await world.exchange(
      { client_id: 'self-signed' },
      { certificate: testCertificate({ subject: 'self' }) },
    )
    expect(answer).toMatchObject({ status: 401, reason: 'client.credential_invalid' })
  })

  it('in one of two ways; when the other cannot be tried it is not refused for good', async () => {
    const certificate = world.authority.issue({ dns: ['two-ways.workloads.example'] })
    expect((await world.exchange({ client_id: 'two-ways' }, { certificate })).status).toBe(200)
    expect(await world.exchange({ client_id: 'two-ways' }, { certificate: world.ordersCertificate })).toMatchObject({
      status: 503,
      body: { error: 'temporarily_unavailable' },
      reason: 'keys.unavailable',
    })
  })

  it('but not without saying who it is, nor without one', async () => {
    expect(await world.exchange({}, { certificate: world.ordersCertificate })).toMatchObject({
      status: 401,
      reason: 'client.missing',
    })
    expect(await world.exchange({ client_id: 'orders' })).toMatchObject({ status: 401, reason: 'client.missing' })
  })

  it('but not where only a secret is registered', async () => {
    const answer = await world.exchange({ client_id: 'service' }, { certificate: world.ordersCertificate })
    expect(answer).toMatchObject({ status: 401, reason: 'client.method_not_registered' })
  })
})

describe('a certificate becomes canonical', () => {
  const ofCertificate = (pem: string) => ({ subject_token: pem, subject_token_type: tokenTypes.x509Chain })

  it('when its holder presents it over its own connection', async () => {
    const { ordersCertificate: certificate } = world
    const { status, claims } = await world.exchange(
      { ...ofCertificate(certificate.pem), client_id: 'orders' },
      { certificate },
    )
    expect(status).toBe(200)
    expect(claims).toMatchObject({ sub: 'workload:orders', map: 'workloads', serial: expect.any(String) })
    expect(claims).not.toHaveProperty('cnf')
  })

  it('when a gateway vouches for it', async () => {
    const { pem } = world.authority.issue({ subject: 'billing', dns: ['billing.workloads.example'] })
    const { status, claims } = await world.exchange(ofCertificate(pem), { as: 'gateway' })
    expect({ status, sub: claims['sub'] }).toEqual({ status: 200, sub: 'workload:billing' })
  })

  it('in base64 as well', async () => {
    const { der } = world.ordersCertificate
    const { status } = await world.exchange(ofCertificate(Buffer.from(der).toString('base64')), { as: 'gateway' })
    expect(status).toBe(200)
  })

  it('and lives no longer than the certificate', async () => {
    const { pem } = world.authority.issue({ dns: ['a.workloads.example'], notAfter: world.now() + 100 })
    const { body } = await world.exchange(ofCertificate(pem), { as: 'gateway' })
    expect(body['expires_in']).toBeLessThanOrEqual(100)
  })

  it('but not by the word of anybody else', async () => {
    const { pem } = world.ordersCertificate
    const other = world.authority.issue({ dns: ['billing.workloads.example'] })
    for (const how of [{ as: 'service' }, { as: 'service', certificate: other }])
      expect(await world.exchange(ofCertificate(pem), how)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
        reason: 'credential.holder_unproven',
      })
  })

  it.each([
    ['of an unknown authority', () => world.stranger.issue({ dns: ['a.workloads.example'] }).pem, 'issuer.unknown'],
    [
      'of an authority that took a known name',
      () => testAuthority('Workloads').issue({ dns: ['a.workloads.example'] }).pem,
      'credential.chain_untrusted',
    ],
    [
      'that has expired',
      () => world.authority.issue({ dns: ['a.workloads.example'], notAfter: world.now() - 1 }).pem,
      'credential.expired',
    ],
    [
      'of tomorrow',
      () => world.authority.issue({ notBefore: world.now() + 3_600, dns: ['a.workloads.example'] }).pem,
      'credential.not_yet_valid',
    ],
    [
      'for servers only',
      () => world.authority.issue({ dns: ['a.workloads.example'], eku: ['serverAuth'] }).pem,
      'credential.usage_not_allowed',
    ],
    ['that no rule speaks about', () => world.authority.issue({ dns: ['a.other.example'] }).pem, 'rule.none_matched'],
    ['that is none', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'credential.malformed'],
    [
      'beside its key',
      () => world.ordersCertificate.pem + world.ordersCertificate.privateKeyPem,
      'credential.malformed',
    ],
  ])('nor one %s', async (_, pem, reason) => {
    const answer = await world.exchange(ofCertificate(pem()), { as: 'gateway' })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' }, reason })
  })
})

describe('of the revocation lists that a map names', () => {
  const judged = testAuthority('Judged')
  const judging = (...crlFiles: readonly string[]) => ({
    apiVersion: 'dragoman/v1alpha1',
    kind: 'TrustMap',
    metadata: { name: 'judged' },
    spec: {
      source: { x509: { trustAnchors: 'judged.pem', revocation: { crlFiles } } },
      rules: [
        {
          name: 'all',
          identity: { type: 'workload', subject: { claim: '/subject/CN' } },
          grant: { audiences: [orders], scopes: ['orders:read'] },
        },
      ],
    },
  })
  const answersWith = async (...lists: readonly string[]) => {
    const files = { 'judged.pem': judged.pem, 'judged.crl': crlPem(judged.crl({ revoked: [{ serial: 0x77n }] })) }
    const place = await openCertificateWorld({ documents: [judging(...lists)], files, sources: ['judged'] })
    try {
      const told = async (serial: bigint) => {
        const { pem } = judged.issue({ subject: 'one', serial })
        const form = { subject_token: pem, subject_token_type: tokenTypes.x509Chain }
        const { status, reason } = await place.exchange(form, { as: 'gateway' })
        return `${status} ${reason}`
      }
      return [await told(0x76n), await told(0x77n)]
    } finally {
      await place.stop()
    }
  }

  it('one that is missing takes nothing from the others, and leaves what only it could tell untold', async () => {
    expect(await answersWith('judged.crl')).toEqual(['200 undefined', '400 credential.revoked'])
    expect(await answersWith('gone.crl', 'judged.crl')).toEqual(['200 undefined', '400 credential.revoked'])
    expect(await answersWith('gone.crl')).toEqual(['503 status.unavailable', '503 status.unavailable'])
  })
})

describe('a token is bound to a certificate', () => {
  it('where the rule wants it so, and introspection shows it', async () => {
    const { ordersCertificate: certificate } = world
    const subject_token = await world.idToken({ team: 'bound' })
    const { status, claims, body } = await world.exchange({ subject_token }, { as: 'service', certificate })
    expect(status).toBe(200)
    expect(claims['cnf']).toEqual({ 'x5t#S256': thumbprintOf(certificate) })
    const told = await world.post('/introspect', { token: String(body['access_token']) }, { as: 'service' })
    expect(told).toMatchObject({
      status: 200,
      body: { active: true, sub: 'user:ada', iss: us, cnf: { 'x5t#S256': thumbprintOf(certificate) } },
    })
  })

  it('and refused without one', async () => {
    const subject_token = await world.idToken({ team: 'bound' })
    expect(await world.exchange({ subject_token }, { as: 'service' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
      reason: 'certificate.missing',
    })
  })

  it('and a bound subject token is its holder’s alone, and stays bound', async () => {
    const { ordersCertificate: certificate } = world
    const subject_token = await world.idToken({ cnf: { 'x5t#S256': thumbprintOf(certificate) } })
    const { status, claims } = await world.exchange({ subject_token }, { as: 'service', certificate })
    expect(status).toBe(200)
    expect(claims['cnf']).toEqual({ 'x5t#S256': thumbprintOf(certificate) })
    const other = world.authority.issue({ subject: 'other' })
    expect(await world.exchange({ subject_token }, { as: 'service', certificate: other })).toMatchObject({
      status: 400,
      reason: 'credential.confirmation_mismatch',
    })
    expect(await world.exchange({ subject_token }, { as: 'gateway' })).toMatchObject({
      status: 400,
      reason: 'credential.confirmation_required',
    })
  })

  it.each([
    ['a key thumbprint', { jkt: 'A'.repeat(43) }],
    ['both', { jkt: 'A'.repeat(43), 'x5t#S256': 'A'.repeat(43) }],
    ['SHA-1', { x5t: 'A'.repeat(27) }],
    ['a number', { 'x5t#S256': 5 }],
    ['nothing', {}],
    ['a text', 'x5t#S256'],
    ['null', null],
  ])('but not by %s', async (_, cnf) => {
    const subject_token = await world.idToken({ cnf })
    const answer = await world.exchange({ subject_token }, { as: 'service', certificate: world.ordersCertificate })
    expect(answer).toMatchObject({ status: 400, reason: 'credential.confirmation_required' })
  })
})

describe('a user through a workload', () => {
  const viaOrders = { team: 'orders' }

  it('is one rule, over the certificate of the connection', async () => {
    const subject_token = await world.idToken(viaOrders)
    const { status, claims } = await world.exchange(
      { subject_token },
      { as: 'service', certificate: world.ordersCertificate },
    )
    expect(status).toBe(200)
    expect(claims).toMatchObject({
      sub: 'user:ada',
      rule: 'through-orders',
      act: { sub: 'workload:orders', identity_type: 'workload' },
    })
    expect(world.traces.at(-1)?.actor).toMatchObject({ map: 'workloads', rule: 'named' })
  })

  it('or over an actor_token that a gateway vouches for', async () => {
    const form = {
      subject_token: await world.idToken(viaOrders),
      actor_token: world.ordersCertificate.pem,
      actor_token_type: tokenTypes.x509Chain,
    }
    const { status, claims } = await world.exchange(form, { as: 'gateway' })
    expect(status).toBe(200)
    expect(claims['act']).toEqual({ sub: 'workload:orders', identity_type: 'workload' })
    expect(await world.exchange(form, { as: 'service' })).toMatchObject({ status: 400, reason: 'actor.invalid' })
  })

  it('does not outlive the certificate of the workload', async () => {
    const certificate = world.authority.issue({
      subject: 'orders',
      dns: ['orders.workloads.example'],
      notAfter: world.now() + 100,
    })
    const subject_token = await world.idToken(viaOrders)
    const { status, body } = await world.exchange({ subject_token }, { as: 'service', certificate })
    expect(status).toBe(200)
    expect(body['expires_in']).toBeLessThanOrEqual(100)
  })

  it('is recorded as delegated only where it is', async () => {
    const { stranger, ordersCertificate } = world
    const certificates = [ordersCertificate, stranger.issue({ subject: 'orders', dns: ['orders.workloads.example'] })]
    for (const certificate of certificates) {
      const { claims } = await world.exchange({}, { as: 'service', certificate })
      expect(claims).toMatchObject({ sub: 'user:ada', rule: 'alone' })
      expect(claims).not.toHaveProperty('act')
      expect(world.traces.at(-1)).not.toHaveProperty('actor')
    }
  })

  it('that shows a bound token of its own gets one that is bound alike', async () => {
    const { ordersCertificate: certificate } = world
    const cnf = { 'x5t#S256': thumbprintOf(certificate) }
    const form = {
      subject_token: await world.idToken({ team: 'assisted' }),
      actor_token: await world.idToken({ sub: 'grace', cnf }),
      actor_token_type: tokenTypes.idToken,
    }
    const { status, claims } = await world.exchange(form, { as: 'service', certificate })
    expect(status).toBe(200)
    expect(claims).toMatchObject({ sub: 'user:ada', act: { sub: 'user:grace' }, cnf })
    expect(await world.exchange(form, { as: 'service' })).toMatchObject({ status: 400, reason: 'actor.invalid' })
  })

  it.each([
    ['no certificate', () => undefined],
    ['that of another workload', () => world.authority.issue({ subject: 'billing', dns: ['b.workloads.example'] })],
    ['one that no rule of its map names', () => world.authority.issue({ subject: 'orders' })],
    ['one of strangers', () => world.stranger.issue({ subject: 'orders', dns: ['orders.workloads.example'] })],
    [
      'one that has expired',
      () => world.authority.issue({ subject: 'orders', dns: ['o.workloads.example'], notAfter: world.now() - 1 }),
    ],
  ])('is refused over %s', async (_, make) => {
    const subject_token = await world.idToken(viaOrders)
    const certificate = make()
    const answer = await world.exchange(
      { subject_token },
      { as: 'service', ...(certificate === undefined ? {} : { certificate }) },
    )
    expect(answer).toMatchObject({ status: 400, reason: 'rule.none_matched' })
  })

  it('whose actor is named but of no interest to the rule is refused', async () => {
    const form = { actor_token: world.ordersCertificate.pem, actor_token_type: tokenTypes.x509Chain }
    expect(await world.exchange(form, { as: 'gateway' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
      reason: 'request.actor_unsupported',
    })
  })

  it('cannot be made up by another issuer', async () => {
    const form = {
      subject_token: await world.idToken(viaOrders),
      actor_token: await world.idToken({ sub: 'mallory', subject: { CN: 'orders' } }),
      actor_token_type: tokenTypes.idToken,
    }
    expect(await world.exchange(form, { as: 'gateway' })).toMatchObject({ status: 400, reason: 'rule.none_matched' })
  })

  it.each([
    ['a token without its type', { actor_token: 'x' }],
    ['a type without its token', { actor_token_type: tokenTypes.x509Chain }],
  ])('needs more than %s', async (_, form) => {
    expect(await world.exchange(form, { as: 'gateway' })).toMatchObject({
      status: 400,
      reason: 'request.parameter_missing',
    })
  })
})

describe('a JWT-SVID of ours', () => {
  it('names the subject in our trust domain, and verifies by the bundle', async () => {
    const form = { requested_token_type: tokenTypes.jwtSvid }
    const { status, body } = await world.exchange(form, { as: 'service' })
    expect({ status, ...body }).toMatchObject({
      status: 200,
      issued_token_type: tokenTypes.jwtSvid,
      token_type: 'N_A',
    })
    const bundle = await get('/spiffe/bundle.json')
    expect(bundle).toMatchObject({
      keys: [{ use: 'jwt-svid', kid: expect.any(String) }],
      spiffe_sequence: expect.any(Number),
      spiffe_refresh_hint: 300,
    })
    const jwks = bundle as unknown as JSONWebKeySet
    const keys = createLocalJWKSet({ keys: jwks.keys.map((key) => ({ ...key, use: 'sig' })) })
    const { payload, protectedHeader } = await jwtVerify(String(body['access_token']), keys, { audience: orders })
    expect(Object.keys(protectedHeader).toSorted()).toEqual(['alg', 'kid', 'typ'])
    expect(payload).toMatchObject({ sub: `spiffe://${trustDomain}/user/ada`, aud: [orders] })
  })

  it('is refused for a subject that cannot be a SPIFFE ID', async () => {
    const form = { requested_token_type: tokenTypes.jwtSvid, subject_token: await world.idToken({ sub: 'ada@x/y' }) }
    expect(await world.exchange(form, { as: 'service' })).toMatchObject({ status: 400, reason: 'identity.invalid' })
  })

  it.each([
    ['the rule does not allow it', 'tokens', 'the rule does not allow the profile jwt-svid'],
    ['it would have to be bound', 'bound', 'a JWT-SVID is a bearer token and cannot be bound'],
    ['somebody acts for the subject', 'orders', 'a JWT-SVID cannot say who acts for its subject'],
  ])('is refused where %s', async (_, team, detail) => {
    const certificate = world.ordersCertificate
    const form = { requested_token_type: tokenTypes.jwtSvid, subject_token: await world.idToken({ team }) }
    expect(await world.exchange(form, { as: 'service', certificate })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
      reason: 'request.token_type_unsupported',
    })
    expect(world.traces.at(-1)?.outcome).toMatchObject({ detail })
    const { status } = await world.exchange({ subject_token: form.subject_token }, { as: 'service', certificate })
    expect(status).toBe(200)
  })

  it('has no scope, and none may be asked for', async () => {
    const form = { requested_token_type: tokenTypes.jwtSvid }
    const { status, body } = await world.exchange(form, { as: 'service' })
    expect({ status, scope: body['scope'] }).toEqual({ status: 200, scope: undefined })
    expect(await world.exchange({ ...form, scope: 'orders:read' }, { as: 'service' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_scope' },
      reason: 'scope.not_allowed',
    })
  })
})

describe('introspection', () => {
  it('says no more than that a token is not active', async () => {
    const { body } = await world.exchange({}, { as: 'service' })
    const good = String(body['access_token'])
    const { body: svid } = await world.exchange({ requested_token_type: tokenTypes.jwtSvid }, { as: 'service' })
    const others = ['', 'x', good.slice(0, -4), `${good}.`, await world.idToken(), String(svid['access_token'])]
    for (const token of others.filter((one) => one !== ''))
      expect(await world.post('/introspect', { token }, { as: 'service' })).toMatchObject({
        status: 200,
        body: { active: false },
      })
    const { body: active } = await world.post('/introspect', { token: good }, { as: 'service' })
    expect(active).toMatchObject({ active: true, client_id: 'service', token_type: 'Bearer' })
  })

  it('is for clients only', async () => {
    expect(await world.post('/introspect', { token: 'x' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    })
    expect(await world.post('/introspect', {}, { as: 'service' })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    })
  })
})

describe('metadata', () => {
  it('tells what clients with certificates need to know', async () => {
    expect(await get('/.well-known/oauth-authorization-server')).toMatchObject({
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'self_signed_tls_client_auth', 'tls_client_auth'],
      tls_client_certificate_bound_access_tokens: true,
      introspection_endpoint: `${us}/introspect`,
      mtls_endpoint_aliases: {
        token_endpoint: 'https://mtls.dragoman.example.com/token',
        introspection_endpoint: 'https://mtls.dragoman.example.com/introspect',
      },
    })
  })
})

describe('with authorities that the listener names', () => {
  let named: CertificateWorld
  beforeAll(async () => {
    named = await openCertificateWorld({ clientCa: 'workloads' })
  })
  afterAll(() => named.stop())

  it('a caller with a certificate of theirs is heard, and so is one without', async () => {
    const certificate = named.ordersCertificate
    expect((await named.exchange({ client_id: 'orders' }, { certificate })).status).toBe(200)
    expect((await named.exchange({}, { as: 'service' })).status).toBe(200)
  })

  it('nobody shows another certificate later on, in a second handshake', async () => {
    const ca = named.server.pem
    const { ordersCertificate: good } = named
    const socket = connect({
      port: Number(new URL(named.url).port),
      host: '127.0.0.1',
      ca,
      cert: good.pem,
      key: good.privateKeyPem,
      maxVersion: 'TLSv1.2',
    })
    await once(socket, 'secureConnect')
    const refused = once(socket, 'error')
    socket.renegotiate({}, () => undefined)
    expect(String(await refused)).toMatch(/no renegotiation/i)
    socket.destroy()
  })

  it('one with a certificate of others is not', async () => {
    const certificate = named.stranger.issue()
    await expect(named.exchange({}, { as: 'service', certificate })).rejects.toThrow(/ECONNRESET|socket hang up|closed/)
  })
})
