import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Document } from '../../world/documents.ts'
import type { Caller } from '../calling.ts'
import { openssl } from '../certificates/openssl.ts'
import { type Serving, type ServingOptions, startServing } from '../dragoman/serving.ts'
import { bundleOf, type X509Svid } from './commands.ts'
import { type Bundles, bundleNames } from './documents.ts'
import { spire } from './running-spire.ts'

/** dragoman beside SPIRE, with a certificate of the web. */
export interface BesideSpire extends Serving {
  /** A caller without a certificate. */
  readonly anyone: Caller
  /** One with this SVID. */
  readonly callerWith: (svid: X509Svid) => Caller
}

/** The bundles as they are now, by the names of their files. */
export const bundleFiles = async (): Promise<Readonly<Record<string, string>>> => ({
  [bundleNames.server]: await bundleOf(spire.server, 'spiffe'),
  [bundleNames.partner]: await bundleOf(spire.partner, 'spiffe'),
  [bundleNames.nested]: await bundleOf(spire.nested, 'pem'),
})

/** Starts it in a folder of its own below `folder`. */
export const startBesideSpire = async (
  folder: string,
  { environment }: Bundles,
  documents: readonly Document[],
  more: Partial<ServingOptions> = {},
): Promise<BesideSpire> => {
  const own = mkdtempSync(join(folder, 'beside-'))
  const listener = { commonName: 'dragoman', names: { ip: ['127.0.0.1'] }, purposes: ['server'] } as const
  const tls = await openssl.issue(own, 'p256', listener, spire.webAuthority)
  const files = await bundleFiles()
  const serving = await startServing({ folder: own, documents, files, environment, tls, ...more })
  const anyone = { authorities: readFileSync(spire.webAuthority.certificate, 'utf8') }
  return { ...serving, anyone, callerWith: ({ chain, key }) => ({ ...anyone, certificate: chain, key }) }
}
