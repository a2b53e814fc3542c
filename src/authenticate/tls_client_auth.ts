import * as z from 'zod'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { isPlainAddress } from '../formats/ip-address.ts'
import type { Certificate } from '../formats/x509/certificate.ts'
import { parsedChain, unlessRefused } from '../formats/x509/connection-chain.ts'
import { hasName, type LeafName } from '../formats/x509/leaf-name.ts'
import { PathError, validatePath } from '../formats/x509/path.ts'
import { openTrustAnchors, type TrustAnchors } from '../sources/trust-anchors.ts'
import type { Authenticator, Tools } from './authenticator.ts'

const text = z.string().min(1).max(2_048)

const schema = z.strictObject({
  method: z.literal('tls_client_auth'),
  trustAnchors: z.union([text, z.array(text).min(1)]).meta({
    description: 'PEM files with the authorities that may have issued the certificate (RFC 8705 section 7.4).',
  }),
  subjectDN: text
    .optional()
    .meta({ description: 'The whole subject, as RFC 4514 writes it: CN=orders,OU=payments,O=Acme.' }),
  sanDNS: text.optional().meta({ description: 'A DNS name among the alternative names.' }),
  sanURI: text.optional().meta({ description: 'A URI among the alternative names.' }),
  sanIP: text.optional().meta({ description: 'An IP address among the alternative names.' }),
  sanEmail: text.optional().meta({ description: 'An e-mail address among the alternative names.' }),
})

type CertificateConfig = z.output<typeof schema>

interface Prepared {
  readonly anchors: TrustAnchors
  /** What names the client in its certificate. */
  readonly expected: LeafName
}

const invalid = (detail: string, cause?: unknown) => new Refusal('client.credential_invalid', detail, { cause })

/**
 * A certificate of an authority that the client's document names, with the one name that is the client's (RFC 8705
 * section 2.1). Possession of the key is proven before we come here; see gateways/client-certificate.ts.
 */
export const tlsClientAuth: Authenticator<CertificateConfig, Prepared> = {
  kind: 'tls_client_auth',
  presentedAs: 'certificate',
  schema,

  lint(config) {
    const { sanIP } = config
    if (expectedNames(config).length !== 1)
      return [
        {
          path: '',
          message: 'name exactly one of subjectDN, sanDNS, sanURI, sanIP, sanEmail (RFC 8705 section 2.1.2)',
          fix: 'sanDNS: orders.internal.example',
        },
      ]
    return sanIP === undefined || isPlainAddress(sanIP)
      ? []
      : [{ path: 'sanIP', message: `${sanIP} is no IP address`, fix: 'sanIP: 10.0.0.7' }]
  },

  async prepare(config, tools) {
    const [expected] = expectedNames(config)
    if (expected === undefined) throw new Error('the certificate of the client has no name')
    return { expected, anchors: await openTrustAnchors([config.trustAnchors].flat(), tools.ports) }
  },

  keySets: (prepared) => [prepared.anchors],

  async authenticate(credential, clientId, prepared, now, tools) {
    if (credential.method !== 'certificate')
      throw new Refusal('client.method_not_registered', 'no certificate was presented')
    const leaf = await validLeaf(credential.certificate, prepared, now, tools)
    if (!hasName(leaf, prepared.expected))
      throw invalid(`the certificate does not have the ${prepared.expected[0]} name of ${clientId}`)
  },
}

const expectedNames = (config: CertificateConfig): readonly LeafName[] => {
  const { subjectDN, sanDNS, sanURI, sanIP, sanEmail } = config
  const named = { subject: subjectDN, dns: sanDNS, uri: sanURI, ip: sanIP, email: sanEmail }
  return (['subject', 'dns', 'uri', 'ip', 'email'] as const).flatMap((kind) => {
    const name = named[kind]
    return name === undefined ? [] : [[kind, name] as const]
  })
}

const validLeaf = async (
  { chain }: PresentedCertificate,
  { anchors }: Prepared,
  now: Instant,
  tools: Tools,
): Promise<Certificate> => {
  try {
    const [leaf, ...intermediates] = parsedChain(chain)
    const trusted = await anchors.current(now)
    const request = { leaf, intermediates, anchors: trusted, at: now, extendedKeyUsage: 'clientAuth' } as const
    await unlessRefused(leaf, trusted, now, () => validatePath(request, tools.ports.certificateSignatures))
    return leaf
  } catch (cause) {
    if (cause instanceof FormatError || cause instanceof PathError)
      throw invalid(`the certificate: ${cause.message}`, cause)
    throw cause
  }
}
