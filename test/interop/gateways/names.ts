/** The gateways that the suite starts, each as its snippet configures it. */
export const gatewayNames = [
  'nginx',
  'ingress-nginx',
  'haproxy',
  'caddy',
  'traefik',
  'envoy-http',
  'envoy-grpc',
] as const

export type GatewayName = (typeof gatewayNames)[number]
