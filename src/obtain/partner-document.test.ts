import { describe, expect, it } from 'vitest'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { loadTrust } from '../trust.ts'

const good = {
  destinations: { hosts: ['api.partner.example'] },
  allow: [{ groups: ['crm'] }],
  credential: { type: 'api-key', value: { file: 'key' } },
}

const document = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'dragoman/v1alpha1', kind, metadata: { name }, spec })

const judged = async (...texts: readonly string[]) => {
  const files = texts.map((text, n) => ({ name: `${n}.yaml`, text }))
  const options = { world: 'serve', insecureLoopback: false, digest: createNodeDigest() } as const
  const { faults, warnings } = await loadTrust(files, options)
  const told = ({ path, message, fix }: (typeof faults)[number]) => [path, message, fix]
  return { faults: faults.map(told), warnings: warnings.map(told) }
}

const faultsOf = async (spec: object) => (await judged(document('Partner', 'p', spec))).faults

const tokenEndpoint = 'https://as.example/token'
const nested = (depth: number): object =>
  depth === 0
    ? { type: 'client-credentials', tokenEndpoint, clientAuth: { method: 'none', clientId: 'c' } }
    : { type: 'jwt-bearer', tokenEndpoint, from: nested(depth - 1) }

describe('a Partner document', () => {
  it('is sound', async () => {
    expect(await faultsOf(good)).toEqual([])
    expect(await faultsOf({ ...good, credential: nested(2) })).toEqual([])
  })

  it.each([
    [
      'everybody as destination',
      { destinations: { hosts: ['*'] } },
      ['spec.destinations.hosts[0]', 'this is everybody: credentials go to hosts that are named', 'api.example.com'],
    ],
    [
      'everybody on a port',
      { destinations: { hosts: ['**:443'] } },
      ['spec.destinations.hosts[0]', 'this is everybody: credentials go to hosts that are named', 'api.example.com'],
    ],
    [
      'an entry that says nothing',
      { allow: [{ message: 'x' }] },
      ['spec.allow[0]', 'says nothing about the identity: name subjects, groups or an expression', undefined],
    ],
    [
      'a claim of the credential in an expression',
      { allow: [{ expression: "claims.sub == 'a'" }] },
      [
        'spec.allow[0].expression',
        'unknown variable claims (column 1 of the expression)',
        'known here: identity, client, request, gateway, now',
      ],
    ],
    [
      'a type that there is not',
      { credential: { type: 'api-keys', value: { file: 'k' } } },
      ['spec.credential.type', 'is not one of the known words', 'did you mean `api-key`?'],
    ],
    [
      'a secret that stands there',
      { credential: { type: 'api-key', value: 'rk_live_1' } },
      ['spec.credential.value', expect.stringContaining('must be'), undefined],
    ],
    [
      'a token endpoint without TLS',
      { credential: { ...nested(0), tokenEndpoint: 'http://as.example/token' } },
      ['spec.credential.tokenEndpoint', 'must be https: secrets go there', 'https://…'],
    ],
    [
      'four credentials on one another',
      { credential: nested(3) },
      ['spec.credential.from', 'more than 3 credentials rest on one another', undefined],
    ],
    [
      'a part that the credential does not have',
      { inject: { headers: [{ name: 'X-Key', from: 'token' }] } },
      ['spec.inject.headers[0].from', 'the credential has no part token', 'value'],
    ],
    [
      'a header that steers',
      { inject: { headers: [{ name: 'Host', from: 'value' }] } },
      ['spec.inject.headers[0].name', 'this header has a meaning of its own; choose another', undefined],
    ],
    [
      'a constant with a line break',
      { inject: { headers: [{ name: 'X-Key', value: 'a\r\nb' }] } },
      ['spec.inject.headers[0].value', 'visible ASCII', undefined],
    ],
    [
      'one credential for all that says who each is',
      {
        credential: {
          type: 'jwt-bearer',
          tokenEndpoint,
          perIdentity: false,
          assertion: { subject: { identity: 'subject' }, audience: 'a' },
        },
      },
      [
        'spec.credential.perIdentity',
        'the credential says who the identity is, so it cannot be the same for all',
        'leave it out',
      ],
    ],
  ])('is at fault with %s', async (_, change, fault) => {
    expect(await faultsOf({ ...good, ...change })).toEqual([fault])
  })

  it('has an audience of its own', async () => {
    const one = document('Partner', 'one', { ...good, audience: 'https://api' })
    const two = document('Partner', 'two', { ...good, audience: 'https://api' })
    expect((await judged(one, two)).faults).toEqual([
      ['spec.audience', 'the Partner one has this audience', 'choose another'],
    ])
  })
})

describe('a Gateway document at the way out', () => {
  const gateway = (more: object) =>
    document('Gateway', 'g', {
      direction: 'egress',
      authenticate: { network: ['10.0.0.1'] },
      dialect: 'nginx',
      ...more,
    })

  it.each([
    [
      'routes',
      { routes: [{ name: 'r', audience: 'a' }] },
      ['spec.routes', 'is for gateways at the way in', 'leave it out'],
    ],
    ['no dialect', { dialect: undefined }, ['spec.dialect', 'is missing', 'the kind of gateway, or json']],
    [
      'a dialect that cannot',
      { dialect: 'aws-lambda' },
      ['spec.dialect', 'aws-lambda cannot ask for credentials', 'json, for /v1/egress'],
    ],
    [
      'partners at the way in',
      { direction: 'ingress', partners: ['*'], routes: [{ name: 'r', audience: 'a' }] },
      ['spec.partners', 'is for gateways at the way out', 'direction: egress'],
    ],
    [
      'a partner that there is not',
      { partners: ['strip'] },
      ['spec.partners[0]', 'there is no Partner "strip"', 'did you mean `stripe`?'],
    ],
  ])('is at fault with %s', async (_, more, fault) => {
    expect((await judged(document('Partner', 'stripe', good), gateway(more))).faults).toEqual([fault])
  })

  it('is warned of a partner that its dialect cannot carry', async () => {
    const byHeader = { ...good, inject: { headers: [{ name: 'X-Api-Key', from: 'value' }] } }
    const signed = { ...good, credential: { type: 'http-signature', keyId: 'k', key: { file: 'k' } } }
    const cleared = { ...good, inject: { removeHeaders: ['X-Api-Key'] } }
    const { warnings } = await judged(
      document('Partner', 'h', byHeader),
      document('Partner', 's', signed),
      document('Partner', 'c', cleared),
      gateway({}),
    )
    expect(warnings).toEqual(
      expect.arrayContaining([
        ['spec.dialect', 'nginx cannot remove authorization, and h sets none', 'set authorization in inject'],
        ['spec.dialect', 'nginx does not tell all that the signature of s is over', 'envoy-grpc, or json'],
        [
          'spec.dialect',
          'nginx cannot be told to remove x-api-key for c',
          'remove it in the configuration of the gateway',
        ],
      ]),
    )
  })
})
