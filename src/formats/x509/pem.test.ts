import { describe, expect, it } from 'vitest'
import { pemOf, testAuthority } from '../../../test/world/certificates.ts'
import { certificatesInPem, crlsInPem } from './pem.ts'

const authority = testAuthority('authority')
const { pem, der } = authority
const crl = authority.crl()

describe('PEM', () => {
  it('holds certificates, with text around them and any line ends', () => {
    expect(certificatesInPem(pem)).toEqual([Uint8Array.from(der)])
    expect(certificatesInPem(`subject=CN = authority\n${pem}issuer=...\n${pem}`)).toHaveLength(2)
    expect(certificatesInPem(pem.replaceAll('\n', '\r\n'))).toHaveLength(1)
  })

  it('holds CRLs', () => {
    expect(crlsInPem(pemOf(crl, 'X509 CRL'))).toEqual([Uint8Array.from(crl)])
  })

  it.each([
    ['no block', 'nothing here'],
    ['a private key', authority.privateKeyPem],
    ['a private key beside it', `${pem}${authority.privateKeyPem}`],
    ['a CRL', pemOf(crl, 'X509 CRL')],
    ['another label at the end', pem.replace('END CERTIFICATE', 'END X509 CRL')],
    ['no end', pem.slice(0, -30)],
    ['a block in a block', `-----BEGIN CERTIFICATE-----\n${pem}`],
    ['headers', pem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n')],
    ['what is not base64', pem.replace('M', '*')],
    ['a cut-off line', pem.replace(/.{2}\n-----END/, '\n-----END')],
    ['more than 512 blocks', pem.repeat(513)],
    ['more than 4 MiB', ' '.repeat(4_194_305)],
  ])('is refused with %s', (_what, text) => {
    expect(() => certificatesInPem(text)).toThrow(expect.objectContaining({ name: 'FormatError' }))
  })
})
