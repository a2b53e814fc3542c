import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openssl } from '../certificates/openssl.ts'
import { type Chain, type Issued, makeChain } from '../certificates/toolkit.ts'

/** Who vouches for whom: an authority for servers, one for gateways, and one for clients, none of which knows another. */
export interface Certificates {
  readonly servers: Issued
  readonly gateways: Issued
  /** Of a gateway, as the server that clients call. */
  readonly gateway: Issued
  /** Of a gateway, as the client that calls dragoman. */
  readonly gatewayAsClient: Issued
  readonly dragoman: Issued
  readonly clients: Chain
  /** Of an authority that nobody knows. */
  readonly stranger: Issued
}

/** What clients call the service. */
export const host = 'orders.example.com'

/** The name in dragoman's certificate. */
export const dragomanName = 'dragoman.internal.example'

/** Makes them in `folder`. */
export const makeCertificates = async (folder: string): Promise<Certificates> => {
  mkdirSync(folder, { recursive: true })
  const issue = (commonName: string, dns: string, purpose: 'client' | 'server', issuer?: Issued) =>
    openssl.issue(folder, 'p256', { commonName, names: { dns: [dns] }, purposes: [purpose] }, issuer)
  const authority = (commonName: string) => openssl.issue(folder, 'p256', { commonName, authority: {} })
  const [servers, gateways] = [await authority('servers'), await authority('gateways')]
  return {
    servers,
    gateways,
    gateway: await issue('gateway', host, 'server', servers),
    gatewayAsClient: await issue('gateway as client', 'edge.internal.example', 'client', gateways),
    dragoman: await openssl.issue(
      folder,
      'p256',
      { commonName: 'dragoman', names: { dns: [dragomanName], ip: ['127.0.0.1'] }, purposes: ['server'] },
      servers,
    ),
    clients: await makeChain(openssl, folder, 'p256'),
    stranger: await issue('stranger', 'orders.prod.test.example', 'client'),
  }
}

/** Puts the files of a gateway into `folder`, under the names that the snippets use. */
export const layCertificates = (folder: string, certificates: Certificates): void => {
  const { gateway, gatewayAsClient, servers, clients } = certificates
  const files = {
    'gateway.pem': gateway.certificate,
    'gateway.key': gateway.key,
    'dragoman-client.pem': gatewayAsClient.certificate,
    'dragoman-client.key': gatewayAsClient.key,
    'dragoman-ca.pem': servers.certificate,
    'client-ca.pem': clients.root.certificate,
  }
  for (const [name, file] of Object.entries(files)) copyFileSync(file, join(folder, name))
  const both = [gateway.certificate, gateway.key].map((file) => readFileSync(file, 'utf8')).join('\n')
  writeFileSync(join(folder, 'gateway-with-key.pem'), both)
}
