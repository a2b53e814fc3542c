import { answerWithChains } from './chain-work.ts'

/** dragoman's own judgement of a chain: parsing and path validation as the x509 verifier calls them, from the build. */

const built = <Module>(path: string): Promise<Module> => import(new URL(`../../dist/${path}`, import.meta.url).href)

const { parseCertificate } =
  await built<typeof import('../../src/formats/x509/certificate.ts')>('formats/x509/certificate.js')
const { validatePath } = await built<typeof import('../../src/formats/x509/path.ts')>('formats/x509/path.js')
const { createNodeCertificateSignatures } = await built<
  typeof import('../../src/runtimes/node/certificate-signatures.ts')
>('runtimes/node/certificate-signatures.js')

answerWithChains((chain) => {
  const signatures = createNodeCertificateSignatures()
  const anchors = [parseCertificate(chain.root)]
  const known = { leaf: parseCertificate(chain.leaf), intermediate: parseCertificate(chain.intermediate) }
  const at = Date.now() / 1000
  return async () => {
    const leaf = chain.seen === 'chain' ? known.leaf : parseCertificate(chain.leaf.slice())
    const above = chain.seen === 'nothing' ? parseCertificate(chain.intermediate.slice()) : known.intermediate
    const request = { leaf, intermediates: [above], anchors, at, extendedKeyUsage: 'clientAuth' as const }
    const { certificates } = await validatePath(request, signatures)
    if (certificates.length !== 3) throw new Error('the path is another one')
  }
})
