import { type Document, grantOfOrders, trustMap } from '../../world/documents.ts'
import { client, edgeClient, workloadRule } from '../dragoman/documents.ts'
import { issuer } from '../dragoman/serving.ts'
import { spire } from './running-spire.ts'
import { workloadPath } from './world.ts'

/** What a deployment would write to believe these trust domains. */

const { server, partner, nested, webAuthority } = spire

/** The files with the bundles of the trust domains; that of the third is PEM. */
export const bundleNames = {
  server: 'prod.bundle.json',
  partner: 'partner.bundle.json',
  nested: 'nested.bundle.pem',
} as const

type Place = Readonly<Record<string, unknown>>

/** Where the bundles of the two trust domains come from, and what Node needs to get them. */
export interface Bundles {
  readonly server: Place
  readonly partner: Place
  readonly allowHosts?: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export const fromFiles: Bundles = {
  server: { name: server.trustDomain, bundleFile: bundleNames.server },
  partner: { name: partner.trustDomain, bundleFile: bundleNames.partner },
  environment: {},
}

/** The endpoint of our server, if it proves the SPIFFE ID with this path. */
const endpointOf = (path: string) => ({
  url: server.bundleUrl,
  profile: 'https_spiffe',
  endpointSpiffeId: `spiffe://${server.trustDomain}${path}`,
  bundleFile: bundleNames.server,
})

/** Ours by SVID, beginning with the bundle in the file; the partner's by a certificate of the web. */
export const federated: Bundles = {
  server: { name: server.trustDomain, bundleEndpoint: endpointOf('/spire/server') },
  partner: { name: partner.trustDomain, bundleEndpoint: { url: partner.bundleUrl, profile: 'https_web' } },
  allowHosts: ['127.0.0.1'],
  environment: { NODE_EXTRA_CA_CERTS: webAuthority.certificate },
}

/** Ours must prove another SPIFFE ID than it has, and the partner's has its certificate of nobody who is believed. */
export const wronglyFederated: Bundles = {
  ...federated,
  server: { name: server.trustDomain, bundleEndpoint: endpointOf('/bundles') },
  environment: {},
}

export const ordersId = `spiffe://${server.trustDomain}/${workloadPath}`

export const billingId = `spiffe://${partner.trustDomain}/billing`

const of = ({ trustDomain }: { readonly trustDomain: string }) => ({ '/spiffe/trust_domain': trustDomain })

/** Always by a file. */
const third: Place = { name: nested.trustDomain, bundleFile: bundleNames.nested }

const pathWithPrefix = (prefix: string) => ({ claim: '/spiffe/path', prefix })

/**
 * The trust map `workloads`, a client for each way in which a workload is known, and the client with the secret. All of
 * them may present what `others` vouch for as well.
 */
export const documents = (
  { server: ours, partner: theirs, allowHosts }: Bundles,
  others: readonly string[] = [],
): readonly Document[] => {
  const rights = { sources: ['workloads', ...others] }
  const hosts = allowHosts === undefined ? {} : { allowHosts }
  return [
    trustMap('workloads', {
      source: { spiffe: { trustDomains: [ours, theirs, third], audiences: [issuer], ...hosts } },
      rules: [
        workloadRule('nested', of(nested), pathWithPrefix('workload:nested')),
        workloadRule('ours', of(server), pathWithPrefix('workload:prod')),
        workloadRule('theirs', { ...of(partner), svid: 'jwt' }, pathWithPrefix('workload:partner')),
        workloadRule('theirs-bound', of(partner), pathWithPrefix('workload:partner'), { senderConstraint: 'mtls' }),
      ],
    }),
    client('orders-web', ordersId, ways(ours, hosts), rights),
    client('billing', 'billing', ways(theirs, { ...hosts, spiffeId: billingId }), rights),
    edgeClient({ ...rights, presentCertificates: true }),
  ]
}

const ways = (trustDomain: Place, more: Place) =>
  ['spiffe_x509', 'spiffe_jwt'].map((method) => ({ method, trustDomain, ...more }))

/** People by the ID tokens of `provider`; those of the orders application through the workload alone. */
export const people = (provider: string, audience: string): Document =>
  trustMap('people', {
    source: { oidc: { issuer: provider, audiences: [audience], types: ['id_token'] } },
    rules: [
      {
        name: 'engineers-through-orders',
        when: {
          claims: { groups: { contains: 'engineering' } },
          actor: { map: 'workloads', claims: { '/spiffe/id': ordersId } },
        },
        identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
        grant: { ...grantOfOrders, senderConstraint: 'mtls' },
      },
    ],
  })
