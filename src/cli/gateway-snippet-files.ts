import { readFile } from 'node:fs/promises'
import type { SnippetKind } from './gateway-snippet-kinds.ts'
import { type SnippetValues, snippetText } from './gateway-snippet-text.ts'

/** What a snippet is about. */
export interface SnippetPlace {
  /** The name of the Gateway document. */
  readonly name: string
  /** What clients call the service. */
  readonly host: string
  /** Whom tokens for the service are for. */
  readonly audience: string
  /** Where the gateway reaches dragoman. */
  readonly dragoman: URL
  /** The name in dragoman's certificate; absent: the host of that URL. */
  readonly serverName?: string
  readonly service: Address
  readonly listen: Address
  /** The folder where the gateway has its certificates. */
  readonly files: string
  /** The port at which HAProxy asks itself. */
  readonly luaPort: number
  /** Clients may come with certificates. */
  readonly clientCertificates?: true
}

export interface Address {
  readonly host: string
  readonly port: string
}

/** As the documentation shows it, and as it is unless somebody says otherwise. */
export const usualPlace: SnippetPlace = {
  name: 'edge',
  host: 'orders.example.com',
  audience: 'https://orders.internal.example',
  dragoman: new URL('https://dragoman.internal.example:8693'),
  service: { host: '127.0.0.1', port: '8080' },
  listen: { host: '0.0.0.0', port: '443' },
  files: '/etc/dragoman',
  luaPort: 18_693,
}

/** The Gateway document of every snippet. */
export const documentFile = 'gateway.yaml'

/** The text of each file of a snippet, by its name; the Gateway document last. */
export const snippetFiles = async (
  { name, files }: SnippetKind,
  place: SnippetPlace,
): Promise<Readonly<Record<string, string>>> => {
  const folder = new URL(`../../deploy/gateways/${name}/`, import.meta.url)
  const values = valuesFor(place)
  const texts = [...files, documentFile].map(
    async (file) => [file, snippetText(await readFile(new URL(file, folder), 'utf8'), values)] as const,
  )
  return Object.fromEntries(await Promise.all(texts))
}

const usualPorts: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' }

const valuesFor = (place: SnippetPlace): SnippetValues => {
  const { name, host, audience, dragoman, serverName = dragoman.hostname, service, listen, files, luaPort } = place
  const port = dragoman.port === '' ? (usualPorts[dragoman.protocol] ?? '') : dragoman.port
  return {
    texts: {
      name,
      host,
      audience,
      files,
      scheme: dragoman.protocol.slice(0, -1),
      dragoman: `${dragoman.hostname}:${port}`,
      dragomanHost: dragoman.hostname,
      dragomanPort: port,
      dragomanName: serverName,
      service: `${service.host}:${service.port}`,
      serviceHost: service.host,
      servicePort: service.port,
      address: listen.host,
      port: listen.port,
      checks: String(luaPort),
    },
    flags: { tls: dragoman.protocol === 'https:', certificates: place.clientCertificates === true },
  }
}
