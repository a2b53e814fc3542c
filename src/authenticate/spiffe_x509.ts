import * as z from 'zod'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import { Refusal } from '../domain/refusal.ts'
import { FormatError } from '../formats/format-error.ts'
import { parsedChain } from '../formats/x509/connection-chain.ts'
import { PathError } from '../formats/x509/path.ts'
import { spiffeIdOf, type X509Svid, X509SvidError } from '../formats/x509-svid.ts'
import { checkX509Svid } from '../sources/x509-svid-check.ts'
import type { Authenticator } from './authenticator.ts'
import {
  lintSpiffeClient,
  type PreparedSpiffeClient,
  prepareSpiffeClient,
  registeredId,
  spiffeClientSettings,
} from './spiffe-client.ts'

const schema = z.strictObject({ method: z.literal('spiffe_x509'), ...spiffeClientSettings })

const invalid = (detail: string, cause?: unknown) => new Refusal('client.credential_invalid', detail, { cause })

/**
 * An X.509-SVID as client certificate (OAuth SPIFFE client authentication section 4.3): its SPIFFE ID is the one that is
 * registered for the client_id, and the bundle of its trust domain proves it, never the authorities of the platform.
 */
export const spiffeX509: Authenticator<z.output<typeof schema>, PreparedSpiffeClient> = {
  kind: 'spiffe_x509',
  presentedAs: 'certificate',
  schema,
  lint: lintSpiffeClient,
  prepare: async (config, tools) => prepareSpiffeClient(config, tools),
  keySets: ({ bundle }) => [bundle],

  async authenticate(credential, clientId, prepared, now, tools) {
    if (credential.method !== 'certificate')
      throw new Refusal('client.method_not_registered', 'no client certificate was presented')
    const wanted = registeredId(clientId, prepared)
    try {
      const svid = svidIn(credential.certificate)
      if (svid.id.text !== wanted.text) throw invalid(`the certificate is not that of ${wanted.text}`)
      await checkX509Svid(svid, prepared.bundle, now, tools.ports.certificateSignatures)
    } catch (thrown) {
      throw asRefusal(thrown)
    }
  },
}

const svidIn = ({ chain }: PresentedCertificate): X509Svid => {
  const [leaf, ...intermediates] = parsedChain(chain)
  return { id: spiffeIdOf(leaf), leaf, intermediates }
}

const asRefusal = (thrown: unknown): unknown =>
  thrown instanceof FormatError || thrown instanceof X509SvidError || thrown instanceof PathError
    ? invalid(`the certificate: ${thrown.message}`, thrown)
    : thrown
