import { beforeAll, describe, expect, it } from 'vitest'
import { testCertificate } from '../world/certificates.ts'
import { contextClasses } from '../world/saml-names.ts'
import { changed } from '../world/saml-text.ts'
import { type Believing, startBelieving } from './saml/believing.ts'
import { type Made, madeBy, responseOf } from './saml/in-process.ts'
import { invalid } from './saml/presenting.ts'
import { takenOut } from './saml/taken-out.ts'

/** dragoman believes pysaml2 as identity provider, by the metadata that it signs. */

const entityId = 'https://pysaml2.example/idp'
const signer = testCertificate({ subject: 'pysaml2', key: 'RSA-2048' })
const ours = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })

const sources = {
  pysaml2: {
    entityID: entityId,
    metadataFile: 'pysaml2.xml',
    metadataCertificates: ['pysaml2.pem'],
    decryptionKey: { file: 'ours.pem' },
    attributes: {
      mail: 'urn:oid:0.9.2342.19200300.100.1.3',
      groups: { name: 'urn:oid:1.3.6.1.4.1.5923.1.1.1.1', list: true },
    },
  },
}

const filesWith = (metadata: string) => ({
  'pysaml2.xml': metadata,
  'pysaml2.pem': signer.pem,
  'ours.pem': ours.privateKeyPem,
})

let made: Made
let dragoman: Believing
beforeAll(async () => {
  made = await madeBy('pysaml2_idp.py', { entityId, signer, encryptFor: ours })
  dragoman = await startBelieving(sources, filesWith(made.metadata))
  return dragoman.stop
})

const alice = {
  sub: 'user:alice@acme.example',
  mail: 'alice@acme.example',
  groups: ['member', '<Ünal> & "Co"\n\t😀'],
  acr: contextClasses.password,
  auth_time: expect.any(Number),
}

describe('an assertion of pysaml2', () => {
  it.each(['rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'signed twice', 'aes128-gcm', 'aes256-gcm'])(
    'becomes a user: %s',
    async (special) => {
      expect(await dragoman.accepted(takenOut(responseOf(made, special)))).toMatchObject(alice)
    },
  )

  it.each(['rsa-sha1', 'digest-sha1', 'aes256-cbc', 'tripledes-cbc', 'rsa-1_5'])('is refused: %s', async (special) => {
    const xml = takenOut(responseOf(made, special))
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('is refused when somebody has changed it', async () => {
    const xml = changed(takenOut(responseOf(made, 'rsa-sha256')), '>alice@acme.example<', '>mallory@acme.example<')
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.signature_invalid'))
  })

  it('is refused when its Response alone is signed', async () => {
    const response = responseOf(made, 'signed twice')
    const of = /<ns2:Signature [\s\S]*?<\/ns2:Signature>/g
    const [, signature = ''] = response.match(of) ?? []
    expect(signature).toContain('Signature2')
    expect(await dragoman.refused(takenOut(response.replace(signature, '')))).toEqual(
      invalid('credential.signature_invalid'),
    )
  })
})

it('metadata that somebody has changed is a fault of the documents', async () => {
  const other = Buffer.from(ours.der).toString('base64')
  const metadata = changed(
    made.metadata,
    /(?<=<ns1:X509Certificate>)[^<]+(?=<\/ns1:X509Certificate><\/ns1:X509Data><\/ns1:KeyInfo><\/ns0:KeyDescriptor>)/,
    other,
  )
  await expect(startBelieving(sources, filesWith(metadata))).rejects.toThrow(
    'the metadata in pysaml2.xml cannot be used',
  )
})
