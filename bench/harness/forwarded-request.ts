import type { ExchangeTarget } from './exchange-request.ts'

/** What a gateway asks about, and how it says so: as Traefik and Caddy do. */

export const gatewayName = 'bench-edge'
export const egressName = 'bench-egress'
/** Who makes the tokens that the partner takes. */
export const partnerTokenIssuer = 'bench-of-dragoman'
export const gatewaySecretHeader = 'X-Gateway-Secret'
export const protectedHost = 'orders.bench.example'

/** What a browser sends beside its token, and what the gateway adds. */
const forwarded = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'application/json, text/plain, */*',
  'Accept-Encoding': 'gzip, deflate, br',
  'Accept-Language': 'en-GB,en;q=0.7',
  'X-Forwarded-For': '192.0.2.44',
  'X-Forwarded-Method': 'GET',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': protectedHost,
  'X-Forwarded-Uri': '/v1/orders/4711?expand=lines',
}

/** The gateway's question at a server that listens on `port`. */
export const asGateway = (port: number, secret: string, path = `/authz/${gatewayName}`): ExchangeTarget => ({
  port,
  path,
  forwarded: { ...forwarded, [gatewaySecretHeader]: secret },
})

/** The question of the gateway at the way out: about the same request. */
export const asEgressGateway = (port: number, secret: string): ExchangeTarget =>
  asGateway(port, secret, `/egress/${egressName}`)
