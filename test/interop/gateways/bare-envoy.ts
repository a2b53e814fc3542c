import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Daemon, freePort, startDaemon } from '../daemon.ts'

/**
 * Envoy with nothing but ext_authz over gRPC between its clients and a service. It cleans nothing itself, so whatever
 * does not reach the service was taken away by what dragoman answers.
 */

/** What the listeners differ in. */
interface ListenerKind {
  /** Headers come to dragoman one by one, and not merged. */
  readonly raw?: boolean
  /** It ends mutual TLS and tells of the client's certificate. */
  readonly tls?: boolean
  /** Metadata that it sends in place of the right ones. */
  readonly metadata?: Readonly<Record<string, string>>
}

const kinds = {
  merged: {},
  raw: { raw: true },
  tls: { tls: true },
  impostor: { metadata: { 'x-dragoman-gateway': 'edge', 'x-edge-secret': 'not the secret of the edge at all' } },
} as const satisfies Readonly<Record<string, ListenerKind>>

export type ListenerName = keyof typeof kinds

export interface BareEnvoyOptions {
  readonly program: string
  /** An empty folder of its own. */
  readonly folder: string
  /** PEM files of its own certificate and key, and of the authorities of its clients. */
  readonly certificate: string
  readonly key: string
  readonly clientAuthorities: string
  readonly metadata: Readonly<Record<string, string>>
  /** Ports of the loopback interface. */
  readonly dragoman: number
  readonly service: number
}

export interface BareEnvoy extends Daemon {
  readonly port: (listener: ListenerName) => number
  /** Does the active health check find dragoman well? */
  readonly findsItHealthy: () => Promise<boolean>
  /** What the access log says of requests so far: the dynamic metadata of each. */
  readonly accessLog: () => readonly Readonly<Record<string, string | null>>[]
}

const typed = (name: string, more: object = {}) => ({ '@type': `type.googleapis.com/envoy.${name}`, ...more })

const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } })

const filter = 'envoy.filters.http.ext_authz'

const toldFields = ['gateway', 'route', 'map', 'rule', 'subject', 'tenant', 'txn', 'request_id'] as const

const accessLogTo = (path: string) => [
  {
    name: 'envoy.access_loggers.file',
    typed_config: typed('extensions.access_loggers.file.v3.FileAccessLog', {
      path,
      log_format: {
        json_format: Object.fromEntries(toldFields.map((name) => [name, `%DYNAMIC_METADATA(${filter}:${name})%`])),
      },
    }),
  },
]

const authorization = ({ raw = false, tls = false, metadata }: ListenerKind, usual: BareEnvoyOptions['metadata']) => ({
  name: filter,
  typed_config: typed('extensions.filters.http.ext_authz.v3.ExtAuthz', {
    transport_api_version: 'V3',
    encode_raw_headers: raw,
    include_peer_certificate: tls,
    status_on_error: { code: 'ServiceUnavailable' },
    grpc_service: {
      envoy_grpc: { cluster_name: 'dragoman' },
      timeout: '2s',
      initial_metadata: Object.entries(metadata ?? usual).map(([key, value]) => ({ key, value })),
    },
  }),
})

const route = (prefix: string, named?: string) => ({
  match: { prefix },
  route: { cluster: 'service' },
  ...(named === undefined
    ? {}
    : {
        typed_per_filter_config: {
          [filter]: typed('extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute', {
            check_settings: { context_extensions: { route: named } },
          }),
        },
      }),
})

const downstreamTls = ({ certificate, key, clientAuthorities }: BareEnvoyOptions) => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: typed('extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    common_tls_context: {
      tls_certificates: [{ certificate_chain: { filename: certificate }, private_key: { filename: key } }],
      validation_context: { trusted_ca: { filename: clientAuthorities } },
    },
  }),
})

const listener = (name: string, kind: ListenerKind, port: number, options: BareEnvoyOptions) => ({
  name,
  address: address(port),
  filter_chains: [
    {
      ...(kind.tls === true ? { transport_socket: downstreamTls(options) } : {}),
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: typed('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
            stat_prefix: name,
            access_log: accessLogTo(join(options.folder, 'access.log')),
            http_filters: [
              authorization(kind, options.metadata),
              { name: 'envoy.filters.http.router', typed_config: typed('extensions.filters.http.router.v3.Router') },
            ],
            route_config: {
              virtual_hosts: [
                {
                  name: 'all',
                  domains: ['*'],
                  routes: [route('/v1/shared/', 'shared'), route('/v1/unknown/', 'no-such-route'), route('/')],
                },
              ],
            },
          }),
        },
      ],
    },
  ],
})

const cluster = (name: string, port: number, more: object = {}) => ({
  name,
  connect_timeout: '1s',
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
  },
  ...more,
})

/** Envoy asks whom it finds ill as well: there is nobody else. */
const healthChecked = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicit_http_config: { http2_protocol_options: {} } },
    ),
  },
  common_lb_config: { healthy_panic_threshold: { value: 100 } },
  health_checks: [
    {
      timeout: '1s',
      interval: '0.2s',
      no_traffic_interval: '0.2s',
      unhealthy_threshold: 1,
      healthy_threshold: 1,
      grpc_health_check: { service_name: 'envoy.service.auth.v3.Authorization' },
    },
  ],
}

const words = ['--concurrency', '1', '--disable-hot-restart', '--file-flush-interval-msec', '100']

/** Starts it and waits until it is ready. */
export const startBareEnvoy = async (options: BareEnvoyOptions): Promise<BareEnvoy> => {
  const { program, folder } = options
  mkdirSync(folder, { recursive: true })
  const ports = new Map<string, number>()
  for (const name of ['admin', ...Object.keys(kinds)]) ports.set(name, await freePort())
  const portOf = (name: string): number => ports.get(name) ?? 0
  const configuration = {
    admin: { address: address(portOf('admin')) },
    static_resources: {
      listeners: Object.entries(kinds).map(([name, kind]) => listener(name, kind, portOf(name), options)),
      clusters: [cluster('service', options.service), cluster('dragoman', options.dragoman, healthChecked)],
    },
  }
  writeFileSync(join(folder, 'envoy.json'), JSON.stringify(configuration, undefined, 2))
  const told = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${portOf('admin')}${path}`, { signal: AbortSignal.timeout(5_000) })
    return answer.text()
  }
  const daemon = await startDaemon({
    name: 'envoy',
    command: [program, '-c', join(folder, 'envoy.json'), ...words],
    log: join(folder, 'envoy.log'),
    longestLife: 900,
    longestStart: 60,
    isReady: () =>
      told('/ready').then(
        (text) => text.startsWith('LIVE'),
        () => false,
      ),
  })
  return {
    ...daemon,
    port: portOf,
    findsItHealthy: async () => /^dragoman::127\.0\.0\.1:\d+::health_flags::healthy$/m.test(await told('/clusters')),
    accessLog: () =>
      readFileSync(join(folder, 'access.log'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Readonly<Record<string, string | null>>),
  }
}
