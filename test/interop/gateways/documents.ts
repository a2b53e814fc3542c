import { parse } from 'yaml'
import * as z from 'zod'
import { type Document, trustMap } from '../../world/documents.ts'
import { workloadRule } from '../dragoman/documents.ts'
import { host } from './certificates.ts'
import { audience, issuerId } from './tokens.ts'

/** The services behind a gateway. */
export const services = {
  orders: 'https://orders.internal.example',
  admin: 'https://admin.internal.example',
  public: 'https://public.internal.example',
} as const

/** What rules grant: nothing of the service `admin`. */
const granted = { audiences: [services.orders, services.public], scopes: ['orders:read'], ttl: '5m' }

const people = trustMap('people', {
  source: { oidc: { issuer: issuerId, audiences: [audience], types: ['access_token'], jwksFile: 'idp.jwks.json' } },
  rules: [
    {
      name: 'everybody',
      when: { claims: { scope: 'orders:read' } },
      identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
      grant: granted,
    },
  ],
})

const workloads = trustMap('workloads', {
  source: { x509: { trustAnchors: 'clients.pem' } },
  rules: [
    workloadRule(
      'workloads',
      { '/san/dns': { contains: { glob: '*.prod.test.example' } } },
      { claim: '/subject/CN', prefix: 'workload:' },
      granted,
    ),
  ],
})

/** First match speaks. There is no route for DELETE below /v1/, and none for other paths. */
const routes = [
  {
    name: 'orders',
    hosts: [host],
    paths: ['/v1/**'],
    methods: ['GET', 'HEAD', 'POST', 'PUT'],
    audience: services.orders,
    scopes: ['orders:read'],
  },
  { name: 'admin', hosts: [host], paths: ['/admin/**'], audience: services.admin },
  { name: 'public', hosts: [host], paths: ['/public/**'], audience: services.public, anonymous: 'pass' },
]

const printed = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.looseObject({}),
})

/** The Gateway document as the snippet has it, with the routes of the tests, and CORS preflights let through. */
const gatewayFrom = (text: string): Document => {
  const document = printed.parse(parse(text))
  return { ...document, spec: { ...document.spec, routes, preflight: 'pass' } }
}

/** All documents of dragoman behind the gateway whose document is printed as `text`. */
export const documentsFor = (text: string): readonly Document[] => [gatewayFrom(text), people, workloads]

/** The Gateway document of the tests with a limit for each subject. */
export const withRateLimit = (text: string, subject: Readonly<Record<string, unknown>>): Document => {
  const document = gatewayFrom(text)
  return { ...document, spec: { ...document.spec, rateLimit: { subject } } }
}
