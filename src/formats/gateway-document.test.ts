import { describe, expect, it } from 'vitest'
import { envoyXfcc } from './certificate-headers/envoy-xfcc.ts'
import { nginx } from './certificate-headers/nginx.ts'
import { rfc9440 } from './certificate-headers/rfc9440.ts'
import { documentSchema } from './document-head.ts'
import { parseDocuments } from './documents.ts'
import { newDraft } from './draft.ts'
import { gatewayRegistration, gatewaySpec } from './gateway-document.ts'
import { schemaFaults } from './schema-faults.ts'

const dialects = [
  { kind: 'nginx', can: { removal: false, certificate: false } },
  { kind: 'envoy-grpc', can: { removal: true, certificate: true } },
]
const schema = documentSchema('Gateway', gatewaySpec([envoyXfcc, nginx, rfc9440], dialects))

const judged = (spec: string) => {
  const head = 'apiVersion: dragoman/v1alpha1\nkind: Gateway\nmetadata: { name: edge }\nspec:\n'
  const [document] = parseDocuments('edge.yaml', head + spec.replaceAll(/^/gm, '  ')).documents
  if (document === undefined) throw new Error('no document')
  const read = schema.safeParse(document.value)
  if (read.success) return { registration: gatewayRegistration(newDraft(document), 'edge', read.data.spec) }
  const faults = schemaFaults(read.error.issues, { document, at: [], value: document.value, schema })
  return { faults: faults.map(({ location, path, message, fix }) => [location.line, path, message, fix]) }
}

const sha256 = 'A'.repeat(43)

describe('a Gateway document', () => {
  it('names how a gateway proves who it is and how it states a certificate', () => {
    const location = { file: 'edge.yaml', line: 3, column: 19 }
    expect(
      judged(`authenticate: { network: [10.0.0.5, 10.1.0.0/16, 'fd00:1::/32'] }\ncertificateFrom: rfc9440`),
    ).toEqual({
      registration: {
        name: 'edge',
        location,
        authenticate: { by: 'network', networks: ['10.0.0.5', '10.1.0.0/16', 'fd00:1::/32'] },
        certificateFrom: { kind: 'rfc9440', config: { header: 'client-cert', chainHeader: 'client-cert-chain' } },
      },
    })
    expect(
      judged(
        `authenticate: { secretHeader: { name: X-Gateway-Secret, secrets: [{ sha256: ${sha256} }, { env: SECRET }] } }\ncertificateFrom: { nginx: { header: X-SSL-Client-Cert } }`,
      ).registration,
    ).toMatchObject({
      authenticate: { by: 'secretHeader', name: 'x-gateway-secret', secrets: [{ sha256 }, { env: 'SECRET' }] },
      certificateFrom: { kind: 'nginx', config: { header: 'x-ssl-client-cert', verifyHeader: 'ssl-client-verify' } },
    })
    expect(
      judged(
        `authenticate: { mtls: { trustAnchors: ca.pem, spiffeId: spiffe://a/gateway } }\ncertificateFrom: { envoy-xfcc: { by: spiffe://a/gateway, trustedHops: 2 } }`,
      ).registration,
    ).toMatchObject({
      authenticate: { by: 'mtls', trustAnchors: 'ca.pem', spiffeId: 'spiffe://a/gateway' },
      certificateFrom: { kind: 'envoy-xfcc', config: { trustedHops: 2 } },
    })
  })

  const network = 'authenticate: { network: [10.0.0.5] }'
  const from = 'certificateFrom: rfc9440'
  const within = (written: string) => `authenticate: { network: ['${written}'] }\n${from}`

  it.each<readonly [string, string, readonly unknown[]]>([
    ['no proof', from, [4, 'spec.authenticate', 'is missing', undefined]],
    [
      'no way',
      `authenticate: {}\n${from}`,
      [5, 'spec.authenticate', 'needs exactly one of mtls, secretHeader, network', undefined],
    ],
    [
      'two ways',
      `authenticate: { network: [10.0.0.5], mtls: { trustAnchors: a, dns: b } }\n${from}`,
      [5, 'spec.authenticate', 'needs exactly one of mtls, secretHeader, network', undefined],
    ],
    ['nothing to do', network, [5, 'spec', 'needs certificateFrom, dialect or both', 'dialect: nginx']],
    [
      'a misspelt word',
      `${network}\ncertificateFrom: rfc9404`,
      [6, 'spec.certificateFrom', 'is not one of the known words', 'did you mean `rfc9440`?'],
    ],
    [
      'two dialects',
      `${network}\ncertificateFrom: { nginx: {}, rfc9440: {} }`,
      [6, 'spec.certificateFrom', 'needs exactly one of envoy-xfcc, nginx, rfc9440', undefined],
    ],
    [
      'a misspelt setting',
      `${network}\ncertificateFrom: { nginx: { verifyHeaders: a } }`,
      [6, 'spec.certificateFrom.nginx.verifyHeaders', 'unknown key', 'did you mean `verifyHeader`?'],
    ],
    [
      'a setting of another dialect',
      `${network}\ncertificateFrom: { nginx: { by: a } }`,
      [6, 'spec.certificateFrom.nginx.by', 'unknown key', 'known here: header, verifyHeader'],
    ],
    [
      'an unknown key',
      `${network}\n${from}\nofLaterIssues: a`,
      [
        7,
        'spec.ofLaterIssues',
        'unknown key',
        'known here: authenticate, certificateFrom, dialect, credentialFrom, sources, routes, respond, anonymous, preflight, reuse, rateLimit, direction, partners, originatesTLS, callers',
      ],
    ],
    [
      'everybody',
      within('0.0.0.0/0'),
      [5, 'spec.authenticate.network[0]', 'this is everybody', 'name the network that only the gateway is in'],
    ],
    [
      'everybody else',
      within('::/0'),
      [5, 'spec.authenticate.network[0]', 'this is everybody', 'name the network that only the gateway is in'],
    ],
    [
      'a network that begins elsewhere',
      within('10.1.2.3/16'),
      [5, 'spec.authenticate.network[0]', 'this is not where the network begins', '10.1.0.0/16'],
    ],
    [
      'a mapped network',
      within('::ffff:10.0.0.0/104'),
      [5, 'spec.authenticate.network[0]', 'not a network or an address', 'for example 10.0.0.0/24'],
    ],
    [
      'a mapped network in hex',
      within('::ffff:a00:0/104'),
      [5, 'spec.authenticate.network[0]', 'an IPv4 network in the form of IPv6', 'write it as IPv4'],
    ],
    [
      'octal',
      within('010.0.0.1'),
      [5, 'spec.authenticate.network[0]', 'not a network or an address', 'for example 10.0.0.0/24'],
    ],
    [
      'a short address',
      within('10.1'),
      [5, 'spec.authenticate.network[0]', 'not a network or an address', 'for example 10.0.0.0/24'],
    ],
    [
      'a host name',
      within('edge.internal'),
      [5, 'spec.authenticate.network[0]', 'not a network or an address', 'for example 10.0.0.0/24'],
    ],
    [
      'a long prefix',
      within('10.0.0.0/33'),
      [5, 'spec.authenticate.network[0]', 'the prefix is longer than 32', undefined],
    ],
    [
      'an inline secret',
      `authenticate: { secretHeader: { name: x, secrets: [hunter2] } }\n${from}`,
      [5, 'spec.authenticate.secretHeader.secrets[0]', 'must be a map of keys', undefined],
    ],
    [
      'a secret in Authorization',
      `authenticate: { secretHeader: { name: Authorization, secrets: [{ env: A }] } }\n${from}`,
      [5, 'spec.authenticate.secretHeader.name', 'this header has a meaning of its own; choose another', undefined],
    ],
    [
      'no name for a certificate',
      `authenticate: { mtls: { trustAnchors: a } }\n${from}`,
      [5, 'spec.authenticate.mtls', 'name exactly one of spiffeId, uri, dns, subject', 'dns: edge.internal.example'],
    ],
    [
      'a SPIFFE ID in capitals',
      `authenticate: { mtls: { trustAnchors: a, spiffeId: spiffe://Prod/gateway } }\n${from}`,
      [5, 'spec.authenticate.mtls.spiffeId', 'not a SPIFFE ID', undefined],
    ],
    [
      'two names for a certificate',
      `authenticate: { mtls: { trustAnchors: a, dns: b, uri: c } }\n${from}`,
      [5, 'spec.authenticate.mtls', 'name exactly one of spiffeId, uri, dns, subject', 'dns: edge.internal.example'],
    ],
  ])('is at fault with %s', (_, spec, fault) => {
    expect(judged(spec).faults).toEqual([fault])
  })

  const asking = (more = '', routes = '{ name: a, audience: b }') =>
    `${network}\ndialect: nginx\nroutes: [${routes}]\n${more}`

  it('says how requests that the gateway asks about are decided', () => {
    const written = `${network}
dialect: envoy-grpc
credentialFrom: [{ header: Cf-Access-Jwt-Assertion, type: jwt }, { certificate: true }]
sources: [people]
routes:
  - { name: orders, hosts: [Orders.example.com], paths: [/v1/**], methods: [GET], audience: https://orders, scopes: [read] }
  - { name: rest, audience: https://rest, anonymous: deny }
respond: { header: X-Token, identity: false, removeHeaders: [Cookie] }
anonymous: pass
preflight: pass
reuse: 0
rateLimit: { subject: { requests: 50, per: 1s } }`
    expect(judged(written).registration?.decisions).toEqual({
      dialect: 'envoy-grpc',
      credentialFrom: [
        { header: 'cf-access-jwt-assertion', type: 'urn:ietf:params:oauth:token-type:jwt' },
        { certificate: true },
      ],
      sources: ['people'],
      routes: [
        {
          name: 'orders',
          hosts: ['orders.example.com'],
          paths: ['/v1/**'],
          methods: ['GET'],
          audience: 'https://orders',
          scopes: ['read'],
          anonymous: true,
        },
        { name: 'rest', hosts: ['**'], paths: ['/**'], audience: 'https://rest', scopes: [], anonymous: false },
      ],
      respond: { header: 'X-Token', scheme: undefined, identity: false, removeHeaders: ['cookie'] },
      preflight: true,
      reuse: 0,
      rateLimit: { subject: { requests: 50, per: 1 } },
    })
  })

  it('decides closed where it says nothing', () => {
    expect(judged(asking()).registration?.decisions).toEqual({
      dialect: 'nginx',
      credentialFrom: [
        { header: 'authorization', scheme: 'Bearer', type: 'urn:ietf:params:oauth:token-type:access_token' },
      ],
      sources: ['*'],
      routes: [{ name: 'a', hosts: ['**'], paths: ['/**'], audience: 'b', scopes: [], anonymous: false }],
      respond: { header: 'Authorization', scheme: 'Bearer', identity: true, removeHeaders: [] },
      preflight: false,
      reuse: 0.5,
      rateLimit: {},
    })
  })

  const taken = 'this header has a meaning of its own; choose another'

  it.each<readonly [string, string, readonly unknown[]]>([
    [
      'routes of no dialect',
      `${network}\n${from}\nroutes: [{ name: a, audience: b }]`,
      [7, 'spec.routes', 'is of no use without `dialect`', 'add dialect'],
    ],
    ['no routes', `${network}\ndialect: nginx`, [4, 'spec.routes', 'is missing', 'a gateway decides by routes']],
    ['an empty list of routes', asking('', ''), [7, 'spec.routes', 'holds too little', undefined]],
    [
      'a misspelt dialect',
      `${network}\ndialect: ngnix\nroutes: [{ name: a, audience: b }]`,
      [6, 'spec.dialect', 'is not one of the known words', 'did you mean `nginx`?'],
    ],
    [
      'two routes of one name',
      asking('', '{ name: a, audience: b }, { name: a, audience: c }'),
      [7, 'spec.routes[1].name', 'another route has this name', undefined],
    ],
    [
      'a route for all services',
      asking('', '{ name: a, audience: "https://*" }'),
      [
        7,
        'spec.routes[0].audience',
        'an audience is exact: a token is for one service',
        'for example https://orders.internal.example',
      ],
    ],
    [
      'a path that is never matched',
      asking('', "{ name: a, audience: b, paths: ['/a/../b'] }"),
      [7, 'spec.routes[0].paths[0]', 'the path has a dot segment', 'for example /v1/**'],
    ],
    [
      'a path in another spelling',
      asking('', "{ name: a, audience: b, paths: ['/%61/**'] }"),
      [7, 'spec.routes[0].paths[0]', 'no path is matched in this spelling', '/a/**'],
    ],
    [
      'a method in small letters',
      asking('', '{ name: a, audience: b, methods: [get] }'),
      [7, 'spec.routes[0].methods[0]', 'a method, in capitals', undefined],
    ],
    [
      'removals that the gateway does not understand',
      asking('respond: { removeHeaders: [cookie] }'),
      [
        8,
        'spec.respond.removeHeaders',
        'gateways of the dialect nginx cannot be told to remove headers',
        "remove them in the gateway's own configuration",
      ],
    ],
    [
      'a certificate from nowhere',
      asking('credentialFrom: [{ certificate: true }]'),
      [8, 'spec.credentialFrom[0]', 'nothing says how the gateway states the certificate', 'add certificateFrom'],
    ],
    [
      'a token where an identity is told',
      asking('respond: { header: x-dragoman-subject }'),
      [8, 'spec.respond.header', taken, undefined],
    ],
    ['a token in Host', asking('respond: { header: Host }'), [8, 'spec.respond.header', taken, undefined]],
    [
      'a credential where the original request is told',
      asking('credentialFrom: [{ header: X-Forwarded-Uri, type: jwt }]'),
      [8, 'spec.credentialFrom[0].header', taken, undefined],
    ],
    [
      'a token that is always handed out again',
      asking('reuse: 1'),
      [8, 'spec.reuse', 'must be at most 0.9', undefined],
    ],
  ])('is at fault with %s', (_, spec, fault) => {
    expect(judged(spec).faults).toEqual([fault])
  })
})
