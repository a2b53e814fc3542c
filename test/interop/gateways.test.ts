import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { call } from './calling.ts'
import { openssl } from './certificates/openssl.ts'
import type { Issued } from './certificates/toolkit.ts'
import { type Certificates, makeCertificates } from './gateways/certificates.ts'
import { services, withRateLimit } from './gateways/documents.ts'
import { type Arrival, valuesOf } from './gateways/echo.ts'
import { documentOf } from './gateways/gateways.ts'
import { gatewayNames } from './gateways/names.ts'
import { answered, ask, askAsAda, bearer, type Outcome, type Scene, startScene, verified } from './gateways/scene.ts'

/** Real gateways, configured by what `dragoman gateway snippet` prints, that ask dragoman about every request. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const identityOf = (arrival: Arrival) => {
  const names = ['subject', 'client', 'rule', 'tenant', 'txn']
  return Object.fromEntries(names.map((name) => [name, valuesOf(arrival, `x-dragoman-${name}`)]))
}

/** The one request that reached the service. */
const only = ({ status, arrivals }: Outcome): Arrival => {
  expect(status).toBe(200)
  expect(arrivals).toHaveLength(1)
  const [arrival] = arrivals
  if (arrival === undefined) throw new Error('nothing arrived')
  return arrival
}

/** The token in the one Authorization of the request. */
const tokenOf = (arrival: Arrival): string => {
  const values = valuesOf(arrival, 'authorization')
  expect(values).toEqual([expect.stringMatching(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/)])
  return values[0]?.slice('Bearer '.length) ?? ''
}

const anonymous = { subject: ['anonymous'], client: ['edge'], rule: ['-'], tenant: ['-'], txn: ['-'] }

const pemOf = ({ certificate }: Issued): string => readFileSync(certificate, 'utf8')

const expectAnonymous = (outcome: Outcome) => {
  const arrival = only(outcome)
  expect(valuesOf(arrival, 'authorization')).toEqual(['Anonymous'])
  expect(identityOf(arrival)).toEqual(anonymous)
}

const challenge = 'Bearer realm="dragoman"'

const expectRefused = (outcome: Outcome, status: number, challenges: readonly unknown[] = []) => {
  expect(outcome.arrivals).toEqual([])
  expect(outcome.status).toBe(status)
  expect(answered(outcome, 'www-authenticate')).toEqual(challenges)
}

/** For what was presented and did not hold. */
const invalidToken = [
  expect.stringMatching(/^Bearer realm="dragoman", error="invalid_token", error_description="[^"]+"$/),
]

const preflight = (method: string) => ({
  method: 'OPTIONS',
  lines: ['Origin: https://shop.example', `Access-Control-Request-Method: ${method}`],
})

/** What one reader takes for a path below /public/, and another for one below /admin/ or for none. */
const ambiguousTargets = [
  '/public/../admin/users',
  '/public/%2e%2e/admin/users',
  '/public/..%2fadmin/users',
  '/public/%2e%2e%2fadmin/users',
  '/public/..%5cadmin/users',
  '/public/..\\admin/users',
  '/public/..;/admin/users',
  '/public/%252e%252e/admin/users',
  '/public//../admin/users',
  '/public/./../admin/users',
  '/public%2f..%2fadmin/users',
  '//admin/users',
  '/./admin/users',
  '/%61dmin/users',
  '/public/%00/../admin/users',
  '/admin/users#/public/',
  '/admin/users?/public/',
  'https://orders.example.com/admin/users',
  'http://elsewhere.example.com/admin/users',
]

let certificates: Certificates
beforeAll(async () => {
  certificates = await makeCertificates(join(folder, 'certificates'))
})

describe.each(gatewayNames)('%s', (name) => {
  let scene: Scene
  beforeAll(async () => {
    scene = await startScene(name, folder, certificates)
    return () => scene.stop()
  })

  describe('a request with a good token', () => {
    it('reaches the service with a token of ours for this service alone, and with who it is', async () => {
      const sent = await scene.issuer.token()
      const cookie = 'Cookie: session=of-the-client'
      const arrival = only(await ask(scene, { target: '/v1/orders?limit=5', lines: [bearer(sent), cookie] }))
      const { sub, aud, scope, client_id, txn } = await verified(scene, tokenOf(arrival), services.orders)
      expect({ sub, aud, scope, client_id }).toEqual({
        sub: 'user:ada',
        aud: services.orders,
        scope: 'orders:read',
        client_id: 'edge',
      })
      const identity = {
        subject: ['user:ada'],
        client: ['edge'],
        rule: ['people/everybody'],
        tenant: ['-'],
        txn: [txn],
      }
      expect(identityOf(arrival)).toEqual(identity)
      expect(arrival.target).toBe('/v1/orders?limit=5')
      const everything = JSON.stringify(arrival.headers)
      for (const secret of [sent, 'of-the-client', 'x-gateway-secret']) expect(everything).not.toContain(secret)
    })

    it('is not shown our token', async () => {
      const outcome = await askAsAda(scene)
      const token = tokenOf(only(outcome))
      expect(JSON.stringify(outcome.headers)).not.toContain(token)
      expect(outcome.headers.filter(([header]) => /dragoman|^authorization$/i.test(header))).toEqual([])
    })

    it('has its method and its body untouched', async () => {
      const body = JSON.stringify({ item: 'x'.repeat(20_000) })
      const posted = only(await askAsAda(scene, { method: 'POST', body }))
      expect({ method: posted.method, isWhole: posted.body === body }).toEqual({ method: 'POST', isWhole: true })
      expect(only(await askAsAda(scene, { method: 'HEAD' })).method).toBe('HEAD')
    })

    it('passes with a token of 12 kB', async () => {
      const token = await scene.issuer.token({ padding: 'x'.repeat(8_900) })
      expect(token.length).toBeGreaterThan(12_000)
      const arrival = only(await ask(scene, { lines: [bearer(token)] }))
      expect(await verified(scene, tokenOf(arrival), services.orders)).toMatchObject({ sub: 'user:ada' })
    })

    it('is nobody else’s when many come at once', async () => {
      const people = Array.from({ length: 40 }, (_, at) => `person-${at}`)
      const asked = people.map(async (sub) =>
        ask(scene, { lines: [bearer(await scene.issuer.token({ sub }))], target: `/v1/${sub}` }),
      )
      const outcomes = await Promise.all(asked)
      expect(outcomes.map(({ status }) => status)).toEqual(people.map(() => 200))
      const arrivals = outcomes.flatMap(({ arrivals: some }) => some)
      const pairs = arrivals.map((arrival) => [arrival.target, valuesOf(arrival, 'x-dragoman-subject')[0]])
      expect(Object.fromEntries(pairs)).toEqual(Object.fromEntries(people.map((sub) => [`/v1/${sub}`, `user:${sub}`])))
    })
  })

  describe('is refused', () => {
    it('a request without a credential, with a challenge', async () => {
      expectRefused(await ask(scene), 401, [challenge])
    })

    it('an expired token, one of an unknown issuer, one by another key', async () => {
      const now = Math.floor(Date.now() / 1000)
      const tokens = [
        await scene.issuer.token({ iat: now - 7200, exp: now - 3600 }),
        await scene.issuer.token({ iss: 'https://elsewhere.example' }),
        await scene.issuer.forged(),
      ]
      for (const token of tokens) expectRefused(await ask(scene, { lines: [bearer(token)] }), 401, invalidToken)
    })

    it('what no route speaks for: another method, another path', async () => {
      expectRefused(await askAsAda(scene, { method: 'DELETE' }), 403)
      expectRefused(await askAsAda(scene, { target: '/elsewhere' }), 403)
      expectRefused(await askAsAda(scene, { target: '/v1' }), 403)
    })

    it('a token whose rule grants nothing of the service', async () => {
      expectRefused(await askAsAda(scene, { target: '/admin/users' }), 403)
    })

    it('two credentials, in either order', async () => {
      const [good, bad] = [bearer(await scene.issuer.token()), bearer(await scene.issuer.forged())]
      for (const lines of [
        [good, bad],
        [bad, good],
      ]) {
        const { status, arrivals } = await ask(scene, { lines })
        expect(arrivals).toEqual([])
        expect([400, 401]).toContain(status)
      }
    })
  })

  describe('the host', () => {
    it('of another service is not served, whoever asks', async () => {
      const token = await scene.issuer.token()
      const outcome = await ask(scene, { host: 'elsewhere.example.com', lines: [bearer(token)] })
      expect(outcome.arrivals).toEqual([])
      expect([403, 404, 421]).toContain(outcome.status)
    })

    it('may have capitals and a port', async () => {
      const token = await scene.issuer.token()
      only(await ask(scene, { host: `Orders.Example.COM:${scene.gateway.port}`, lines: [bearer(token)] }))
    })
  })

  describe('without a credential', () => {
    it('passes as anonymous where the route says so, and as who it is with one', async () => {
      expectAnonymous(await ask(scene, { target: '/public/prices' }))
      const arrival = only(await askAsAda(scene, { target: '/public/prices' }))
      expect(await verified(scene, tokenOf(arrival), services.public)).toMatchObject({ sub: 'user:ada' })
    })

    it('does not pass as anonymous with a bad one', async () => {
      const token = await scene.issuer.forged()
      expectRefused(await ask(scene, { target: '/public/prices', lines: [bearer(token)] }), 401, invalidToken)
    })

    it('passes as a preflight for what there is a route for', async () => {
      expectAnonymous(await ask(scene, preflight('GET')))
      expectRefused(await ask(scene, preflight('DELETE')), 403)
    })

    it('does not pass for the sake of OPTIONS alone', async () => {
      expectRefused(await ask(scene, { method: 'OPTIONS' }), 403)
      expectRefused(await ask(scene, { lines: preflight('GET').lines }), 401, [challenge])
    })
  })

  describe('a client certificate', () => {
    it('is a credential', async () => {
      const arrival = only(await ask(scene, { by: scene.certificates.clients.leaf }))
      const claims = await verified(scene, tokenOf(arrival), services.orders)
      expect(claims).toMatchObject({ sub: 'workload:p256 leaf' })
      expect(identityOf(arrival)).toMatchObject({ subject: ['workload:p256%20leaf'], rule: ['workloads/workloads'] })
      expect(certificatesIn(arrival)).toEqual([])
    })

    it('of an authority that the gateway does not know is none', async () => {
      const outcome = await ask(scene, { by: scene.certificates.stranger }).catch(() => undefined)
      expect(outcome?.arrivals ?? scene.echo.arrivals()).toEqual([])
      expect(outcome === undefined || [0, 400].includes(outcome.status)).toBe(true)
    })

    /** ingress-nginx states the certificate that it has verified to the service as well. */
    const certificatesIn = ({ headers }: Arrival) =>
      headers.filter(([field]) => field.includes('cert') && !(name === 'ingress-nginx' && field === 'ssl-client-cert'))

    const stated = (issued: Issued): readonly string[] => {
      const pem = pemOf(issued)
      const der = pem.replaceAll(/-----[^-]+-----|\s/g, '')
      return [
        `Client-Cert: :${der}:`,
        `ssl-client-cert: ${encodeURIComponent(pem)}`,
        'ssl-client-verify: SUCCESS',
        `X-Forwarded-Tls-Client-Cert: ${der}`,
        `X-SSL-Client-Cert: ${der}`,
        `X-Forwarded-Client-Cert: Hash=${'0'.repeat(64)};Cert="${encodeURIComponent(pem)}"`,
      ]
    }

    it('that a client only writes into a header is not believed', async () => {
      const lines = stated(scene.certificates.clients.leaf)
      expectRefused(await ask(scene, { lines }), 401, [challenge])
      for (const line of lines) expectRefused(await ask(scene, { lines: [line] }), 401, [challenge])
      const twins = lines.map((line) => line.replace(/^[^:]+/, (field) => field.replaceAll('-', '_')))
      const { arrivals, status } = await ask(scene, { lines: twins })
      expect({ arrivals, refused: [400, 401].includes(status) }).toEqual({ arrivals: [], refused: true })
    })

    it('that a client has counts, and not the one that it writes', async () => {
      const profile = {
        commonName: 'billing',
        names: { dns: ['billing.prod.test.example'] },
        purposes: ['client'],
      } as const
      const billing = await openssl.issue(scene.folder, 'p256', profile, scene.certificates.clients.intermediate)
      const lines = stated(scene.certificates.clients.leaf)
      const arrival = only(await ask(scene, { by: billing, lines }))
      expect(identityOf(arrival)).toMatchObject({ subject: ['workload:billing'] })
      expect(JSON.stringify(arrival.headers)).not.toContain(encodeURIComponent(pemOf(scene.certificates.clients.leaf)))
      expect(certificatesIn(arrival)).toEqual([])
    })
  })

  describe('a path', () => {
    it.each(ambiguousTargets)('%s does not lead past the route that it looks like', async (target) => {
      const { status, arrivals } = await ask(scene, { target })
      for (const arrival of arrivals) {
        expect(arrival.target).toMatch(/^\/public\/[\w/-]*$/)
        expect(valuesOf(arrival, 'x-dragoman-subject')).toEqual(['anonymous'])
      }
      if (arrivals.length === 0) expect(status === 0 || (status >= 301 && status < 500)).toBe(true)
    })

    it('that is spelled with needless escapes is the same path', async () => {
      const { arrivals, status } = await ask(scene, { target: '/%70ublic/pr%69ces' })
      expect(status).toBe(200)
      expect(decodeURIComponent(arrivals[0]?.target ?? '')).toBe('/public/prices')
    })
  })

  it('refuses whoever asks too often, as far as the gateway has a word for it, and nobody else', async () => {
    const limited = JSON.stringify(withRateLimit(await documentOf(name), { requests: 3, per: '10m' }))
    scene.dragoman().write('gateway-edge.yaml', limited)
    const eve = bearer(await scene.issuer.token({ sub: 'eve' }))
    const status = ['nginx', 'ingress-nginx'].includes(name) ? 403 : 429
    await expect.poll(async () => (await ask(scene, { lines: [eve] })).status, { timeout: 15_000 }).toBe(status)
    const refused = await ask(scene, { lines: [eve] })
    expect(refused).toMatchObject({ status, arrivals: [] })
    if (status === 429) expect(answered(refused, 'retry-after')).toEqual([expect.stringMatching(/^[1-9]\d*$/)])
    only(await askAsAda(scene))
  })

  it('who asks dragoman past the gateway learns nothing, whichever name it asks about', async () => {
    const caller = { authorities: readFileSync(scene.certificates.servers.certificate, 'utf8') }
    const headers = {
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'orders.example.com',
      'x-forwarded-uri': '/v1/orders',
      authorization: `Bearer ${await scene.issuer.token()}`,
    }
    for (const path of ['/authz/edge', '/authz/edge/v1/orders', '/authz/nobody']) {
      const { status, body } = await call(`${scene.dragoman().url}${path}`, caller, { headers })
      expect({ status, body }).toEqual({ status: 403, body: expect.stringContaining('"error":"access_denied"') })
    }
  })
})
