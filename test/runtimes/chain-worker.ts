import { createWebCertificateSignatures } from '../../src/runtimes/web/certificate-signatures.ts'
import { answerTo, type ChainQuestion } from './chain-question.ts'

/** A worker that is asked about chains: what it takes to judge certificates, with the platform's own cryptography. */

const signatures = createWebCertificateSignatures()

export default {
  async fetch(request: Request): Promise<Response> {
    const question = (await request.json()) as ChainQuestion
    return Response.json(await answerTo(question, signatures))
  },
}
