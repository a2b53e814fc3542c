import * as z from 'zod'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { equalInConstantTime } from '../formats/constant-time.ts'
import { FormatError } from '../formats/format-error.ts'
import { url } from '../formats/settings.ts'
import { parsedChain } from '../formats/x509/connection-chain.ts'
import { openRegisteredCertificates, type RegisteredCertificates } from '../sources/registered-certificates.ts'
import type { Authenticator } from './authenticator.ts'

const text = z.string().min(1).max(2_048)

const schema = z.strictObject({
  method: z.literal('self_signed_tls_client_auth'),
  certificates: z
    .union([text, z.array(text).min(1)])
    .optional()
    .meta({ description: "PEM files with the client's certificates, relative to the documents." }),
  jwksURI: url.optional().meta({ description: 'Where the client publishes them, as `x5c` of its keys.' }),
  allowHosts: z.array(z.string().min(1)).optional(),
})

type SelfSignedConfig = z.output<typeof schema>

const invalid = (detail: string, cause?: unknown) => new Refusal('client.credential_invalid', detail, { cause })

/**
 * A certificate that is registered for the client, whoever issued it: it is compared and no path is built (RFC 8705
 * section 2.2). Its own dates are held to, so that a key that was left behind does not stay good for ever.
 */
export const selfSignedTlsClientAuth: Authenticator<SelfSignedConfig, RegisteredCertificates> = {
  kind: 'self_signed_tls_client_auth',
  presentedAs: 'certificate',
  schema,

  lint(config) {
    return (config.certificates === undefined) !== (config.jwksURI === undefined)
      ? []
      : [{ path: '', message: 'name exactly one of certificates, jwksURI', fix: 'certificates: client.pem' }]
  },

  prepare: (config, tools) =>
    openRegisteredCertificates(
      {
        files: [config.certificates ?? []].flat(),
        allowHosts: config.allowHosts ?? [],
        ...(config.jwksURI === undefined ? {} : { jwksURI: config.jwksURI }),
      },
      tools,
    ),

  keySets: (prepared) => [prepared],

  async authenticate(credential, clientId, prepared, now) {
    if (credential.method !== 'certificate')
      throw new Refusal('client.method_not_registered', 'no certificate was presented')
    const { thumbprint, chain } = credential.certificate
    const registered = await prepared.thumbprints(now)
    if (!registered.map((known) => equalInConstantTime(thumbprint, known)).includes(true))
      throw invalid(`the certificate is not one that is registered for ${clientId}`)
    requireInForce(chain, now)
  },
}

const requireInForce = (chain: PresentedCertificate['chain'], now: Instant): void => {
  try {
    const [{ notBefore, notAfter }] = parsedChain(chain)
    if (now < notBefore || now > notAfter) throw invalid('the certificate is not in force')
  } catch (cause) {
    throw cause instanceof FormatError ? invalid(`the certificate: ${cause.message}`, cause) : cause
  }
}
