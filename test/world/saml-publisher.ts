import type { Http, HttpLimits, HttpRequest, HttpResponse } from '../../src/ports/http.ts'
import { createNodeCertificateSignatures } from '../../src/runtimes/node/certificate-signatures.ts'
import { createNodeDigest } from '../../src/runtimes/node/digest.ts'
import { createOutbound } from '../../src/sources/outbound.ts'
import { type CurrentSamlKeys, openSamlKeys, type SamlKeysSpec } from '../../src/sources/saml-metadata.ts'
import type { TestCertificate } from './certificates.ts'
import { type MetadataOptions, metadataText } from './saml-metadata-text.ts'

/** A place where an identity provider publishes metadata, and files beside it; its clock stands at 0 until told. */

export const entityId = 'https://idp.example.com/saml'
export const metadataURL = 'https://idp.example.com/metadata'

/** Metadata with these keys. */
export const metadataOf = (certificates: readonly TestCertificate[], options: Partial<MetadataOptions> = {}): string =>
  metadataText({ entityId, now: 0, certificates: certificates.map(({ pem }) => ({ pem })), ...options })

type Answer = Partial<Omit<HttpResponse, 'body'>> & { readonly body?: string | Uint8Array }

export const samlPublisher = (http?: Http) => {
  const answers = new Map<string, Answer | ((limits: HttpLimits) => Answer)>()
  const files = new Map<string, string>()
  const asked: HttpRequest[] = []
  const logged: string[] = []
  const log = (message: string, fields?: unknown) => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const send = async (request: HttpRequest, limits: HttpLimits): Promise<HttpResponse> => {
    asked.push(request)
    const told = answers.get(request.url)
    if (told === undefined) throw new Error('down')
    const { status = 200, headers = {}, body = '' } = typeof told === 'function' ? told(limits) : told
    return { status, headers, body: typeof body === 'string' ? new TextEncoder().encode(body) : body }
  }
  const read = async (path: string) => {
    const text = files.get(path)
    if (text === undefined) throw new Error('no such file')
    return text
  }
  const tools = {
    ports: {
      clock: { now: () => 0 },
      files: { read },
      log: { info: log, warn: log },
      digest: createNodeDigest(),
      certificateSignatures: createNodeCertificateSignatures(),
    },
    outbound: createOutbound(http ?? { send }, { insecureLoopback: http !== undefined }),
  }
  const open = (spec: Partial<SamlKeysSpec> = {}) =>
    openSamlKeys({ entityID: entityId, place: { metadataURL }, staleKeys: 3_600, allowHosts: [], ...spec }, tools)
  return { answers, files, asked, logged, tools, open }
}

/** Which of `certificates` have the keys, by their place in the list; -1 for a key that none of them has. */
export const whichOf =
  (...certificates: readonly TestCertificate[]) =>
  async (found: Promise<CurrentSamlKeys>): Promise<readonly number[]> =>
    (await found).keys.map(({ spki }) => certificates.findIndex(({ key }) => Buffer.from(spki).equals(key.spki)))
