import { openssl } from '../certificates/openssl.ts'
import type { Issued } from '../certificates/toolkit.ts'

/** The certificates of the servers, of an authority that has nothing to do with their clients. */
export interface ServingCertificates {
  readonly authority: Issued
  /** Of a proxy, which is a client as well: it shows this one to what is behind it. */
  readonly proxy: Issued
  /** Of what is behind the proxy. */
  readonly listener: Issued
}

/** The URI in the certificate of a proxy. */
export const proxyId = 'urn:example:edge'

/** Makes them in `folder`. */
export const servingCertificates = async (folder: string): Promise<ServingCertificates> => {
  const authority = await openssl.issue(folder, 'p256', { commonName: 'servers', authority: {} })
  const ip = ['127.0.0.1']
  const edge = { commonName: 'proxy', names: { ip, uri: [proxyId] }, purposes: ['server', 'client'] } as const
  const behind = { commonName: 'listener', names: { ip }, purposes: ['server'] } as const
  const proxy = await openssl.issue(folder, 'p256', edge, authority)
  return { authority, proxy, listener: await openssl.issue(folder, 'p256', behind, authority) }
}
