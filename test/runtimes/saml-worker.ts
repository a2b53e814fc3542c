import { createWebCertificateSignatures } from '../../src/runtimes/web/certificate-signatures.ts'
import { createWebDecryption } from '../../src/runtimes/web/decryption.ts'
import { createWebDigest } from '../../src/runtimes/web/digest.ts'
import { createWebSignatures } from '../../src/runtimes/web/signatures.ts'
import { createSamlAnswerer, type SamlAnswerer, type SamlQuestion } from './saml-question.ts'

/** A worker that is asked about assertions: a whole dragoman, with the platform's own cryptography. */

/** Made while a request is served: before, workerd gives no random values. */
let answerer: Promise<SamlAnswerer> | undefined

const newAnswerer = async (): Promise<SamlAnswerer> =>
  createSamlAnswerer({
    signatures: await createWebSignatures(),
    certificateSignatures: createWebCertificateSignatures(),
    decryption: createWebDecryption(),
    digest: createWebDigest(),
    ids: { next: () => crypto.randomUUID() },
  })

export default {
  async fetch(request: Request): Promise<Response> {
    answerer ??= newAnswerer()
    const { answerTo } = await answerer
    return Response.json(await answerTo((await request.json()) as SamlQuestion))
  },
}
