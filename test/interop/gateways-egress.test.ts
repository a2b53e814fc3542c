import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { type OpenIdProvider, startOpenIdProvider } from '../world/openid-provider.ts'
import { clientSecret, clients, dragomanAudience, paths } from '../world/openid-provider-settings.ts'
import { call } from './calling.ts'
import { type Arrival, valuesOf } from './gateways/echo.ts'
import {
  allowed,
  type EgressDialect,
  gatewayName,
  hosts,
  partnerKey,
  secretHeader,
  unknownHost,
  wrongSecret,
} from './gateways/egress-documents.ts'
import {
  type EgressScene,
  type Leaving,
  leave,
  makePartnerCertificates,
  type PartnerCertificates,
  refusalsOf,
  startEgressScene,
  tokenOf,
} from './gateways/egress-scene.ts'
import { answered, bearer, type Outcome } from './gateways/scene.ts'
import { gatewaySecret } from './gateways/secret.ts'

/** Real gateways at the way out, which put on a request what dragoman answers, and the partner that gets it over TLS. */

const folder = newFolder()

let provider: OpenIdProvider
let certificates: PartnerCertificates
beforeAll(async () => {
  provider = await startOpenIdProvider()
  certificates = await makePartnerCertificates(join(folder, 'certificates'))
})

afterAll(async () => {
  await provider.stop()
  removeFolder(folder)
})

const dialects = ['nginx', 'envoy-http', 'envoy-grpc'] as const satisfies readonly EgressDialect[]

/** How each tells its caller that dragoman could not get the credential, and that dragoman was not there to ask. */
const failures: Readonly<Record<EgressDialect, { readonly credential: number; readonly dragoman: number }>> = {
  // To nginx 5xx of dragoman would be a failure of nginx's own, so it hears 403.
  nginx: { credential: 403, dragoman: 500 },
  'envoy-http': { credential: 503, dragoman: 503 },
  'envoy-grpc': { credential: 503, dragoman: 503 },
}

/** What each puts on every request besides. */
const ownOf = (dialect: EgressDialect): readonly string[] =>
  dialect === 'nginx' ? [] : ['x-envoy-expected-rq-timeout-ms', 'x-forwarded-proto', 'x-request-id']

/** What is nobody's business outside, as a service passes on what it was sent itself. */
const ours = [
  'Cookie: session=of-the-inside',
  'cookie: second=of-the-inside',
  ...['Subject', 'Client', 'Rule', 'Tenant', 'Txn'].map((name) => `X-Dragoman-${name}: of-the-inside`),
  'Txn-Token: of-the-inside',
  'X-Forwarded-Client-Cert: Hash=of-the-inside',
]

/** What else is ours: Envoy is told so over gRPC, where dragoman sees every name; nginx takes off what it has lines for. */
const moreOf: Readonly<Record<EgressDialect, readonly string[]>> = {
  nginx: ['X_Dragoman_Subject: of-the-inside', 'Client-Cert: :of-the-inside:', `${secretHeader}: of-the-inside`],
  'envoy-http': [
    'Client-Cert: :of-the-inside:',
    'Client-Cert-Chain: :of-the-inside:',
    'ssl-client-cert: of-the-inside',
    'X-Forwarded-Tls-Client-Cert: of-the-inside',
    'X_Dragoman_Subject: of-the-inside',
    'X-Dragoman-Token: of-the-inside',
    'Proxy-Authorization: Basic of-the-inside',
  ],
  'envoy-grpc': ['X_Dragoman_Subject: of-the-inside', 'X-Dragoman-Role: of-the-inside'],
}

/** The one request that reached a partner. */
const only = ({ status, arrivals }: Outcome): Arrival => {
  expect(status).toBe(200)
  expect(arrivals).toHaveLength(1)
  const [arrival] = arrivals
  if (arrival === undefined) throw new Error('nothing arrived')
  return arrival
}

const namesIn = ({ headers }: Arrival): readonly string[] => headers.map(([name]) => name).toSorted()

const tokensGiven = async (): Promise<number> => (await provider.requests()).issuer[`POST ${paths.token}`] ?? 0

describe.each(dialects)('egress through %s', (dialect) => {
  let scene: EgressScene
  let token: string
  let ada: string
  beforeAll(async () => {
    scene = await startEgressScene(dialect, folder, certificates, provider.issuer)
    token = await tokenOf(scene, 'ada')
    ada = bearer(token)
    return () => scene.stop()
  })

  const expectRefused = async (leaving: Leaving, status: number, reason: string): Promise<Outcome> => {
    const before = refusalsOf(scene).length
    const outcome = await leave(scene, leaving)
    expect(outcome).toMatchObject({ status, arrivals: [] })
    await expect.poll(() => refusalsOf(scene).slice(before), { timeout: 5_000 }).toContain(reason)
    return outcome
  }

  describe('a request of who may', () => {
    it('has the key of the partner in place of our token, and nothing else of ours', async () => {
      const lines = ['Accept: application/json', ada, ...ours, ...moreOf[dialect]]
      const outcome = await leave(scene, { target: '/v1/charges?limit=5', lines })
      const arrival = only(outcome)
      expect(valuesOf(arrival, 'authorization')).toEqual([`Bearer ${partnerKey}`])
      expect(namesIn(arrival)).toEqual(['accept', 'authorization', 'host', ...ownOf(dialect)].toSorted())
      expect({ target: arrival.target, host: valuesOf(arrival, 'host') }).toEqual({
        target: '/v1/charges?limit=5',
        host: [hosts.keys],
      })
      const everything = JSON.stringify(arrival)
      for (const secret of [token, 'of-the-inside', gatewaySecret]) expect(everything).not.toContain(secret)
    })

    it('comes with its method and its body untouched', async () => {
      const body = JSON.stringify({ item: 'x'.repeat(20_000) })
      const arrival = only(await leave(scene, { method: 'POST', lines: [ada, ...ours], body }))
      expect({ method: arrival.method, isWhole: arrival.body === body }).toEqual({ method: 'POST', isWhole: true })
      expect(valuesOf(arrival, 'authorization')).toEqual([`Bearer ${partnerKey}`])
    })

    it('is answered without the key', async () => {
      const { status, headers } = await leave(scene, { lines: [ada] })
      expect(status).toBe(200)
      expect(JSON.stringify(headers)).not.toContain(partnerKey)
      expect(headers.filter(([name]) => /dragoman|^authorization$|^x-envoy-auth/i.test(name))).toEqual([])
    })

    it('goes to the host that dragoman has judged, whatever stands in Host', async () => {
      const target = `http://${hosts.keys}/v1/charges`
      const arrival = only(await leave(scene, { target, host: unknownHost, lines: [ada] }))
      expect(valuesOf(arrival, 'host')).toEqual([hosts.keys])
      const elsewhere = { target: `http://${unknownHost}/v1/charges`, lines: [ada] }
      await expectRefused(elsewhere, 403, 'destination.unknown')
    })
  })

  describe('a partner that has the key in a header of its own', () => {
    const keys = ['X-Api-Key: mine', 'x-api-key: mine', 'X_Api_Key: mine']
    const leaving = (): Leaving => ({ host: hosts.header, lines: [ada, ...ours, ...keys] })

    const hasItThere = async () => {
      const arrival = only(await leave(scene, leaving()))
      expect(valuesOf(arrival, 'x-api-key')).toEqual([partnerKey])
      expect(namesIn(arrival)).toEqual(['host', 'x-api-key', ...ownOf(dialect)].toSorted())
      expect(JSON.stringify(arrival)).not.toContain(token)
    }
    const isRefusedIt = () => expectRefused(leaving(), 403, 'partner.not_carriable').then(() => undefined)
    // nginx cannot be told to remove Authorization: our token would travel beside the key.
    if (dialect === 'nginx') it('is not for nginx', isRefusedIt)
    else it('gets it there, in place of what the caller wrote, and no Authorization', hasItThere)
  })

  describe('a key that the caller writes itself', () => {
    it('is its own, where the credential goes elsewhere', async () => {
      const arrival = only(await leave(scene, { lines: [ada, 'X-Api-Key: mine'] }))
      expect(valuesOf(arrival, 'authorization')).toEqual([`Bearer ${partnerKey}`])
      expect(valuesOf(arrival, 'x-api-key')).toEqual(['mine'])
    })

    const isTakenOff = async () => {
      const arrival = only(await leave(scene, { host: hosts.both, lines: [ada, 'X-Api-Key: mine'] }))
      expect(valuesOf(arrival, 'authorization')).toEqual([`Bearer ${partnerKey}`])
      expect(valuesOf(arrival, 'x-api-key')).toEqual([])
    }
    // nginx is not told; it has to have a line of its own for the partner.
    if (dialect !== 'nginx') it('is taken off where the document of the partner says so', isTakenOff)

    it('is not taken for our token', async () => {
      const outcome = await leave(scene, { lines: [ada, bearer(partnerKey)] })
      expect(outcome.arrivals).toEqual([])
      // nginx itself takes no request with two of them.
      expect(outcome.status).toBe(dialect === 'nginx' ? 400 : 401)
      await expectRefused({ lines: [bearer(partnerKey)] }, 401, 'issuer.unknown')
    })
  })

  describe('a partner that takes tokens of an OpenID provider', () => {
    const keys = () => createRemoteJWKSet(new URL(provider.issuer + paths.jwks))

    const givenIn = async (arrival: Arrival): Promise<string> => {
      const [value = '', ...others] = valuesOf(arrival, 'authorization')
      expect(others).toEqual([])
      const given = value.replace(/^Bearer /, '')
      const { payload } = await jwtVerify(given, keys(), { issuer: provider.issuer, audience: dragomanAudience })
      expect(payload).toMatchObject({ client_id: clients.outwardBasic.client_id, scope: 'orders:read' })
      return given
    }

    it('gets one of these, and the provider is asked once for all requests of all who may', async () => {
      const before = await tokensGiven()
      const people = await Promise.all(allowed.map((sub) => tokenOf(scene, sub)))
      const asMany = (count: number) =>
        Promise.all(
          Array.from({ length: count }, (_, at) =>
            leave(scene, { host: hosts.tokens, lines: [bearer(people[at % people.length] ?? ''), ...ours] }),
          ),
        )
      const outcomes = [...(await asMany(20)), ...(await asMany(20))]
      expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 200))
      const arrivals = outcomes.flatMap(({ arrivals: some }) => some)
      expect(arrivals).toHaveLength(40)
      expect(new Set(await Promise.all(arrivals.map(givenIn))).size).toBe(1)
      const everything = JSON.stringify(arrivals)
      for (const secret of [...people, 'of-the-inside', clientSecret]) expect(everything).not.toContain(secret)
      expect((await tokensGiven()) - before).toBe(1)
    })

    it('gets nothing when the provider does not take our secret', async () => {
      const leaving = { host: hosts.wrong, lines: [ada] }
      const { headers } = await expectRefused(leaving, failures[dialect].credential, 'partner.unauthenticated')
      for (const secret of [wrongSecret, token]) expect(JSON.stringify(headers)).not.toContain(secret)
      await givenIn(only(await leave(scene, { host: hosts.tokens, lines: [ada] })))
    })

    it('gets nothing when the provider is not there', async () => {
      await expectRefused({ host: hosts.down, lines: [ada] }, failures[dialect].credential, 'partner.unavailable')
    })
  })

  describe('nothing leaves', () => {
    it('for a host, a method or a path that no partner is at', async () => {
      for (const leaving of [{ host: unknownHost }, { method: 'DELETE' }, { target: '/v2/charges' }])
        await expectRefused({ ...leaving, lines: [ada] }, 403, 'destination.unknown')
    })

    it.each(['/v1/../v2/charges', '/v1/%2e%2e/v2/charges', '/v1/..%2fv2/charges', '/v1//charges'])(
      'for a path that is read in more than one way: %s',
      async (target) => {
        await expectRefused({ target, lines: [ada] }, 403, 'request.path_ambiguous')
      },
    )

    it('of an identity that the partner does not let in', async () => {
      const mallory = bearer(await tokenOf(scene, 'mallory'))
      for (const host of [hosts.keys, hosts.tokens])
        await expectRefused({ host, lines: [mallory] }, 403, 'partner.not_allowed')
    })

    it('without a token of ours, and the caller is challenged', async () => {
      const missing = await expectRefused({ lines: ours }, 401, 'credential.missing')
      expect(answered(missing, 'www-authenticate')).toEqual(['Bearer realm="dragoman"'])
      const foreign = bearer(await scene.issuer.token())
      const refused = await expectRefused({ lines: [foreign] }, 401, 'source.not_allowed')
      expect(answered(refused, 'www-authenticate')).toEqual([expect.stringContaining('error="invalid_token"')])
    })

    it('by what the caller says of its request, or of the gateway', async () => {
      const said = [
        `X-Forwarded-Host: ${hosts.keys}`,
        `X-Original-URL: http://${hosts.keys}/v1/charges`,
        'X-Forwarded-Uri: /v1/charges',
        `${secretHeader}: ${gatewaySecret}`,
        `x-dragoman-gateway: ${gatewayName}`,
      ]
      const { status, arrivals } = await leave(scene, { host: unknownHost, lines: [ada, ...said] })
      expect({ status, arrivals }).toEqual({ status: 403, arrivals: [] })
    })

    it('as another request to servers that read such headers', async () => {
      for (const line of ['X-HTTP-Method-Override: DELETE', 'X-Original-URL: /v2', 'X-Forwarded-Host: a.example']) {
        const outcome = await leave(scene, { lines: [ada, line] })
        // Over gRPC dragoman sees them and refuses; else they are taken off.
        if (dialect === 'envoy-grpc') expect(outcome).toMatchObject({ status: 403, arrivals: [] })
        else expect(namesIn(only(outcome))).toEqual(['authorization', 'host', ...ownOf(dialect)])
      }
    })

    it('with a certificate in a header that dragoman sees, and that this gateway does not state', async () => {
      const leaving = { lines: [ada, 'Client-Cert: :AAAA:'] }
      if (dialect === 'envoy-grpc') await expectRefused(leaving, 403, 'certificate.header_conflict')
      else expect(valuesOf(only(await leave(scene, leaving)), 'client-cert')).toEqual([])
    })
  })

  it('who asks dragoman past the gateway is given nothing', async () => {
    const headers = {
      host: hosts.keys,
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': hosts.keys,
      'x-forwarded-uri': '/v1/charges',
      authorization: `Bearer ${token}`,
    }
    for (const proof of [{}, { [secretHeader]: wrongSecret }]) {
      const asked = { headers: { ...headers, ...proof } }
      const answer = await call(`${scene.dragoman.url}/egress/${gatewayName}/v1/charges`, { authorities: '' }, asked)
      expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('"error":"access_denied"') })
      expect(JSON.stringify(answer)).not.toContain(partnerKey)
    }
  })

  describe('while dragoman', () => {
    const expectClosed = async () => {
      const outcome = await leave(scene, { lines: [ada] })
      expect(outcome).toMatchObject({ status: failures[dialect].dragoman, arrivals: [] })
    }
    const expectRecovery = () =>
      expect.poll(async () => (await leave(scene, { lines: [ada] })).status, { timeout: 15_000 }).toBe(200)

    it('is not there nothing leaves, and everything again after it is back', async () => {
      await scene.relay.refuse()
      await expectClosed()
      await scene.relay.restore()
      await expectRecovery()
    })

    it('is silent nothing leaves', async () => {
      scene.relay.stall()
      await expectClosed()
      await scene.relay.restore()
      await expectRecovery()
    })

    it('is dead nothing leaves', async () => {
      await scene.dragoman.stop()
      await expectClosed()
    })
  })
})
