import { describe, expect, it } from 'vitest'
import { testCertificate } from '../../test/world/certificates.ts'
import { type SamlIdentityProvider, samlIdentityProvider } from '../../test/world/saml-identity-provider.ts'
import { entitiesText, type MetadataOptions } from '../../test/world/saml-metadata-text.ts'
import { metadataOf, metadataURL, samlPublisher, whichOf } from '../../test/world/saml-publisher.ts'
import { changed } from '../../test/world/saml-text.ts'

const first = testCertificate({ subject: 'first' })
const second = testCertificate({ subject: 'second' })
const names = whichOf(first, second)
const unavailable = { name: 'Refusal', reason: 'keys.unavailable' }

const federation = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })
const successor = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })
const stranger = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })

const signedBy = (signer: SamlIdentityProvider, certificate = first, options: Partial<MetadataOptions> = {}) =>
  signer.sign(metadataOf([certificate], { id: '_m', ...options }), { after: /[^>]*>/ })

const metadataCertificates = ['federation.pem']
const publishing = (body: string) => {
  const publisher = samlPublisher()
  publisher.files.set('federation.pem', federation.certificatePem)
  publisher.answers.set(metadataURL, { body, headers: { 'cache-control': 'max-age=7200' } })
  return publisher
}

describe('metadata that must be signed', () => {
  it('is read when it is', async () => {
    const { open } = publishing(signedBy(federation))
    expect(await names((await open({ metadataCertificates })).current(0))).toEqual([0])
  })

  it('is read from a federation', async () => {
    const xml = entitiesText([metadataOf([second], { entityId: 'https://other.example' }), metadataOf([first])], 0, {
      id: '_f',
    })
    const { open } = publishing(federation.sign(xml, { after: /[^>]*>/ }))
    expect(await names((await open({ metadataCertificates })).current(0))).toEqual([0])
  })

  it.each([
    ['it is not signed', metadataOf([second]), 'the metadata is not signed'],
    ['a stranger has signed it', signedBy(stranger, second), 'signed under none of the certificates'],
    [
      'it was changed',
      changed(signedBy(federation, second), 'https://idp.example.com/saml/sso', 'https://evil.example'),
      'changed after it was signed',
    ],
    ['it has expired', signedBy(federation, second, { validUntil: 5 }), 'past its validUntil'],
    [
      'it is of another entity',
      signedBy(federation, second, { entityId: 'https://other.example' }),
      'not about the entity',
    ],
  ])('does not take the place of what is known when %s', async (_, body, why) => {
    const { open, answers, logged } = publishing(signedBy(federation))
    const keys = await open({ metadataCertificates })
    await keys.current(0)
    answers.set(metadataURL, { body })
    expect(await names(keys.renewed(10))).toEqual([0])
    expect(logged.at(-1)).toContain(why)
    const cold = await open({ metadataCertificates, staleKeys: 61 })
    await expect(cold.current(10)).rejects.toMatchObject(unavailable)
  })

  it('is not read from a file either', async () => {
    const { open, files } = publishing('')
    const place = { metadataFile: 'idp.xml' }
    files.set('idp.xml', signedBy(federation))
    expect(await names((await open({ place, metadataCertificates })).current(0))).toEqual([0])
    files.set('idp.xml', metadataOf([second]))
    await expect(open({ place, metadataCertificates })).rejects.toThrow(
      'the metadata in idp.xml cannot be used: the metadata is not signed',
    )
  })

  it.each([
    ['that is not there', undefined, 'no such file'],
    ['with a private key', federation.certificate.privateKeyPem, 'a block of another kind'],
    ['with a weak key', testCertificate({ key: 'RSA-1024' }).pem, 'too weak'],
  ])('cannot be opened with a file %s, not even when it is in use', async (_, text, why) => {
    const publisher = publishing(signedBy(federation))
    const inUse = await publisher.open({ metadataCertificates })
    if (text === undefined) publisher.files.delete('federation.pem')
    else publisher.files.set('federation.pem', text)
    const opening = publisher.open({ metadataCertificates })
    await expect(opening).rejects.toThrow('the metadata certificates in federation.pem cannot be used: ')
    await expect(opening).rejects.toThrow(why)
    expect(await names(inUse.current(1))).toEqual([0])
  })

  it('trusts nobody when nobody may sign it', async () => {
    const { open } = publishing(signedBy(federation))
    await expect((await open({ metadataCertificates: [] })).current(0)).rejects.toMatchObject(unavailable)
  })
})

describe('those who may sign metadata', () => {
  it('may be two while one takes the place of the other', async () => {
    const { open, files, answers, asked } = publishing(signedBy(federation))
    const keys = await open({ metadataCertificates })
    await keys.current(0)
    files.set('federation.pem', federation.certificatePem + successor.certificatePem)
    expect(await names(keys.current(120))).toEqual([0])
    expect(asked).toHaveLength(1)
    answers.set(metadataURL, { body: signedBy(successor, second) })
    expect(await names(keys.renewed(130))).toEqual([1])
    files.set('federation.pem', successor.certificatePem)
    expect(await names(keys.current(200))).toEqual([1])
  })

  it('take with them what they have signed, within a minute', async () => {
    const { open, files, asked } = publishing(signedBy(federation))
    const keys = await open({ metadataCertificates })
    await keys.current(0)
    files.set('federation.pem', successor.certificatePem)
    await expect(keys.current(60)).rejects.toMatchObject(unavailable)
    expect(keys.state(60)).toBe('missing')
    await expect(keys.renewed(61)).rejects.toMatchObject(unavailable)
    expect(asked).toHaveLength(2)
  })

  it('make room for those who come after them at once', async () => {
    const { open, files, answers } = publishing(signedBy(federation))
    const keys = await open({ metadataCertificates })
    await keys.current(0)
    files.set('federation.pem', successor.certificatePem)
    answers.set(metadataURL, { body: signedBy(successor, second) })
    expect(await names(keys.current(60))).toEqual([1])
    expect(keys.state(60)).toBe('fresh')
  })

  it('outlast a file that is gone as long as the budget says', async () => {
    const { open, files } = publishing(signedBy(federation))
    const keys = await open({ metadataCertificates })
    await keys.current(0)
    files.delete('federation.pem')
    expect(await names(keys.current(3_599))).toEqual([0])
    await expect(keys.current(3_600)).rejects.toMatchObject(unavailable)
    expect(keys.state(3_600)).toBe('missing')
  })
})
