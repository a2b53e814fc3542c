import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { TLSSocket } from 'node:tls'
import type { Seconds } from '../../domain/time.ts'

/** Where the listener's own certificate lies, and whose client certificates it asks for. */
export interface TlsFiles {
  /** PEM: our certificate and its intermediates, the leaf first. */
  readonly cert: string
  /** PEM: the private key. */
  readonly key: string
  /**
   * PEM with the authorities that a client certificate must come from, or `any`: every certificate is let through to
   * where it is judged. Absent: none is asked for.
   */
  readonly clientCa?: string
}

/** What Node's server is told, read from those files. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

/**
 * Reads the files.
 *
 * @throws Error naming the file that cannot be read or is not what it should be
 */
export const readTls = async ({ cert, key, clientCa }: TlsFiles): Promise<TlsMaterial> => {
  const certificate = await readPem(cert, 'CERTIFICATE')
  const privateKey = await readPem(key, 'PRIVATE KEY')
  if (!new X509Certificate(certificate).checkPrivateKey(importKey(privateKey, key)))
    throw new Error(`the key in ${key} does not belong to the certificate in ${cert}`)
  const named = clientCa === undefined || clientCa === 'any' ? undefined : clientCa
  return {
    cert: certificate,
    key: privateKey,
    ...(named === undefined ? {} : { ca: await readPem(named, 'CERTIFICATE') }),
  }
}

const readPem = async (path: string, label: string): Promise<string> => {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`${path} cannot be read`, { cause })
  })
  if (!text.includes(`${label}-----`)) throw new Error(`${path} holds no PEM block of ${label}`)
  return text
}

const importKey = (pem: string, path: string): KeyObject => {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new Error(`the private key in ${path} cannot be used`, { cause })
  }
}

/** Milliseconds. */
const handshakeTimeout = 10_000

/** The options of a server that speaks TLS with `material`. */
export const serverTlsOptions = (material: TlsMaterial, files: TlsFiles) => ({
  ...material,
  minVersion: 'TLSv1.2' as const,
  ALPNProtocols: ['http/1.1'],
  requestCert: files.clientCa !== undefined,
  rejectUnauthorized: false,
  handshakeTimeout,
  secureOptions:
    // A second handshake could show another certificate than the one that was judged.
    constants.SSL_OP_NO_RENEGOTIATION |
    // A resumed session has the leaf but not the intermediates that came with it, so nothing is resumed.
    (files.clientCa === undefined ? 0 : constants.SSL_OP_NO_TICKET),
})

/**
 * Must the connection be closed? A caller may come without a certificate; one that shows a certificate of other
 * authorities than those that were named is not heard.
 */
export const isUnwelcome = (socket: TLSSocket, { clientCa }: TlsFiles): boolean =>
  clientCa !== undefined && clientCa !== 'any' && !socket.authorized && socket.getPeerX509Certificate() !== undefined

const maxPeerCertificates = 10

type Chain = readonly [Uint8Array, ...Uint8Array[]]

/** One handshake, one reading: the certificates cannot change while the connection lasts. */
const chains = new WeakMap<TLSSocket, { readonly chain: Chain | undefined }>()

/**
 * The certificates that the peer showed in the handshake, in which it proved to hold the leaf's key; DER, the leaf
 * first. Undefined when it showed none.
 */
export const peerChain = (socket: TLSSocket): Chain | undefined => {
  const known = chains.get(socket)
  if (known !== undefined) return known.chain
  const chain = readChain(socket)
  chains.set(socket, { chain })
  return chain
}

const readChain = (socket: TLSSocket): Chain | undefined => {
  const leaf = socket.getPeerX509Certificate()
  if (leaf === undefined) return undefined
  const others: Uint8Array[] = []
  for (let at = leaf.issuerCertificate; at !== undefined && others.length < maxPeerCertificates; ) {
    others.push(new Uint8Array(at.raw))
    at = at.issuerCertificate
  }
  return [new Uint8Array(leaf.raw), ...others]
}

/** A watch that runs until it is closed. */
export interface TlsWatch {
  close(): void
}

/**
 * Looks every few seconds whether the files have changed and hands over what they hold then, so that short-lived
 * certificates are renewed without a restart. What cannot be used is reported once and leaves the old in place.
 */
export const watchTls = async (
  files: TlsFiles,
  changed: (material: TlsMaterial) => void,
  failed: (message: string) => void,
  every: Seconds = 2,
): Promise<TlsWatch> => {
  let closed = false
  let known = await fingerprint(files)
  const look = async (): Promise<void> => {
    const marks = await fingerprint(files)
    if (marks !== known && !closed) {
      try {
        changed(await readTls(files))
      } catch (cause) {
        failed(cause instanceof Error ? cause.message : 'the files cannot be used')
      }
    }
    known = marks
    if (!closed) timer = schedule()
  }
  const schedule = () => setTimeout(() => void look(), every * 1_000).unref()
  let timer = schedule()
  return {
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

const fingerprint = async ({ cert, key, clientCa }: TlsFiles): Promise<string> => {
  const paths = [cert, key, ...(clientCa === undefined || clientCa === 'any' ? [] : [clientCa])]
  const marks = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
        () => 'unreadable',
      ),
    ),
  )
  return marks.join('\n')
}
