import { testCertificate } from '../../world/certificates.ts'
import type { SignatureName } from '../../world/saml-names.ts'

/** The keys with which xmlsec signs as an identity provider. */

export const issuer = 'https://xmlsec.example/idp'
/** The one of which dragoman takes RSASSA-PSS. */
export const pssIssuer = 'https://xmlsec.example/pss'

export const signers = {
  rsa: testCertificate({ subject: 'rsa', key: 'RSA-2048' }),
  p256: testCertificate({ subject: 'p256', key: 'P-256' }),
  p384: testCertificate({ subject: 'p384', key: 'P-384' }),
  p521: testCertificate({ subject: 'p521', key: 'P-521' }),
} as const

export type Signer = keyof typeof signers

const files = Object.fromEntries(Object.entries(signers).map(([name, { pem }]) => [`${name}.pem`, pem]))

export const pssAlgorithms = ['rsa-pss-sha256', 'rsa-pss-sha384', 'rsa-pss-sha512'] as const satisfies SignatureName[]

/** What dragoman is told of it: the sources, and the files that they name. */
export const believed = {
  sources: {
    xmlsec: { entityID: issuer, certificates: Object.keys(files) },
    'xmlsec-pss': { entityID: pssIssuer, certificates: ['rsa.pem'], algorithms: pssAlgorithms },
  },
  files,
}
