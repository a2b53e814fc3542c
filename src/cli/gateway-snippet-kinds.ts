/** The gateways that there are snippets for, each a folder of deploy/gateways. */

export interface SnippetKind {
  readonly name: string
  /** What it configures, in a few words. */
  readonly what: string
  /** Its files: the first is the one to print, and `gateway.yaml`, which all have, is the Gateway document. */
  readonly files: readonly [string, ...string[]]
  /** It proves itself to dragoman by its certificate, so it has to come over TLS. */
  readonly byCertificate?: true
}

export const snippetKinds: readonly SnippetKind[] = [
  { name: 'nginx', what: 'nginx, by auth_request', files: ['dragoman.conf'] },
  { name: 'ingress-nginx', what: 'ingress-nginx, by annotations', files: ['ingress.yaml'], byCertificate: true },
  { name: 'haproxy', what: 'HAProxy, by a Lua action', files: ['haproxy.cfg', 'auth-intercept.lua'] },
  { name: 'caddy', what: 'Caddy, by forward_auth', files: ['Caddyfile'] },
  { name: 'traefik', what: 'Traefik, by ForwardAuth', files: ['dragoman.yaml', 'traefik.yaml'], byCertificate: true },
  { name: 'envoy-http', what: 'Envoy, by ext_authz over HTTP', files: ['envoy.yaml'], byCertificate: true },
  { name: 'envoy-grpc', what: 'Envoy, by ext_authz over gRPC', files: ['envoy.yaml'], byCertificate: true },
  {
    name: 'envoy-gateway',
    what: 'Envoy Gateway, by a SecurityPolicy',
    files: ['security-policy.yaml'],
    byCertificate: true,
  },
  {
    name: 'gateway-api',
    what: 'the Gateway API, by the filter ExternalAuth',
    files: ['http-route.yaml'],
    byCertificate: true,
  },
  { name: 'istio', what: 'Istio, by an extension provider', files: ['istio.yaml'] },
  { name: 'apisix', what: 'APISIX, by forward-auth', files: ['apisix.yaml'] },
  {
    name: 'aws-lambda',
    what: 'Amazon API Gateway, by a Lambda authorizer',
    files: ['authorizer.mjs', 'template.yaml'],
  },
  { name: 'cloudflare', what: 'Cloudflare, by a Worker before the service', files: ['worker.js'] },
]

/** Dialects of Gateway documents that are no name of a snippet, and the snippets that speak them. */
export const spokenBy: Readonly<Record<string, readonly string[]>> = {
  'forward-auth': ['caddy', 'traefik'],
  envoy: ['envoy-http', 'envoy-grpc'],
}
