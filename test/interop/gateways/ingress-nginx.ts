import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import * as z from 'zod'
import { filled } from '../filled.ts'
import { host } from './certificates.ts'

/** What ingress-nginx makes of its snippet: there is no cluster here, but it is nginx with a configuration of its own. */

const prefix = 'nginx.ingress.kubernetes.io/'

const annotations = z.record(z.string().startsWith(prefix), z.string())

const ingress = z.object({ kind: z.literal('Ingress'), metadata: z.object({ annotations }) })

const configMap = z.object({
  kind: z.literal('ConfigMap'),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  data: z.record(z.string(), z.string()),
})

const headerLines = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `      proxy_set_header "${name}" "${value}";`)
    .join('\n')

const takenLines = (names: readonly string[]): string =>
  names
    .flatMap((name, at) => [
      `      auth_request_set $authHeader${at} $upstream_http_${name.toLowerCase().replaceAll('-', '_')};`,
      `      proxy_set_header '${name}' $authHeader${at};`,
    ])
    .join('\n')

export interface Controller {
  readonly folder: string
  readonly port: number
  readonly service: number
}

/** The configuration of nginx for the snippet in `file`. */
export const controllerConfiguration = (file: string, { folder, port, service }: Controller): string => {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document): unknown => document.toJS())
  const { metadata } = ingress.parse(documents[0])
  const maps = new Map(
    documents.slice(1).map((document): readonly [string, Readonly<Record<string, string>>] => {
      const { metadata: named, data } = configMap.parse(document)
      return [`${named.namespace}/${named.name}`, data]
    }),
  )
  const said = (name: string): string => present(metadata.annotations, `${prefix}${name}`)
  const controller = maps.get('ingress-nginx/ingress-nginx-controller') ?? {}
  return filled(new URL('bases/ingress-nginx.conf', import.meta.url), {
    folder,
    port,
    host,
    service: `127.0.0.1:${service}`,
    authUrl: said('auth-url'),
    authHost: new URL(said('auth-url')).host,
    authMethod: said('auth-method'),
    bufferSize: said('proxy-buffer-size'),
    verifyClient: said('auth-tls-verify-client'),
    verifyDepth: said('auth-tls-verify-depth'),
    proxySslVerify: said('proxy-ssl-verify'),
    proxySslName: said('proxy-ssl-name'),
    proxySslServerName: said('proxy-ssl-server-name'),
    headerBuffers: present(controller, 'large-client-header-buffers'),
    httpSnippet: present(controller, 'http-snippet'),
    questionHeaders: headerLines(maps.get(said('auth-proxy-set-headers')) ?? {}),
    responseHeaders: takenLines(said('auth-response-headers').split(',')),
    removedHeaders: headerLines(maps.get(present(controller, 'proxy-set-headers')) ?? {}),
  })
}

const present = (values: Readonly<Record<string, string>>, name: string): string => {
  const value = values[name]
  if (value === undefined) throw new Error(`the snippet of ingress-nginx says nothing about ${name}`)
  return value
}
