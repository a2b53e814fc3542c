import { describe, expect, it } from 'vitest'
import { testCertificate } from '../../test/world/certificates.ts'
import { metadataOf, samlPublisher, whichOf } from '../../test/world/saml-publisher.ts'

const first = testCertificate({ subject: 'first' })
const second = testCertificate({ subject: 'second' })
const weak = testCertificate({ subject: 'weak', key: 'RSA-1024' })
const names = whichOf(first, second)
const unavailable = { name: 'Refusal', reason: 'keys.unavailable' }

const withFile = (name: string, text: string) => {
  const publisher = samlPublisher()
  publisher.files.set(name, text)
  return publisher
}

describe('keys from metadata in a file', () => {
  const place = { metadataFile: 'idp.xml' }

  it('are there from the start, and are read again after a minute whatever the file says', async () => {
    const { open, files } = withFile('idp.xml', metadataOf([first], { cacheDuration: 'P1D' }))
    const keys = await open({ place })
    expect(keys.state(0)).toBe('fresh')
    const [before] = (await keys.current(0)).keys
    files.set('idp.xml', metadataOf([second, first]))
    expect(await names(keys.current(20))).toEqual([0])
    expect(await names(keys.current(60))).toEqual([1, 0])
    expect((await keys.current(60)).keys[1]).toBe(before)
  })

  it('are read at once for a signature that no known key has made', async () => {
    const { open, files } = withFile('idp.xml', metadataOf([first]))
    const keys = await open({ place })
    files.set('idp.xml', metadataOf([second]))
    expect(await names(keys.renewed(1))).toEqual([1])
  })

  it.each([
    ['is gone', undefined],
    ['is of another entity', metadataOf([second], { entityId: 'https://idp2.example.com' })],
    ['is cut off', metadataOf([second]).slice(0, -1)],
    ['has expired', metadataOf([second], { validUntil: 1 })],
  ])('outlast a file that %s as long as the budget says', async (_, text) => {
    const { open, files, logged } = withFile('idp.xml', metadataOf([first]))
    const keys = await open({ place })
    if (text === undefined) files.delete('idp.xml')
    else files.set('idp.xml', text)
    expect(await names(keys.current(3_599))).toEqual([0])
    expect(await keys.current(3_599)).toMatchObject({ stale: true })
    expect(logged.at(-1)).toContain('SAML metadata could not be loaded')
    await expect(keys.current(3_600)).rejects.toMatchObject(unavailable)
  })

  it('are gone when the file has expired', async () => {
    const { open } = withFile('idp.xml', metadataOf([first], { validUntil: 90 }))
    const keys = await open({ place })
    expect(await names(keys.current(89))).toEqual([0])
    await expect(keys.current(90)).rejects.toMatchObject(unavailable)
  })

  it.each([
    ['that is not there', undefined, 'no such file'],
    ['of another entity', metadataOf([first], { entityId: 'https://idp2.example.com' }), 'not about the entity'],
    ['that has expired', metadataOf([first], { validUntil: 0 }), 'past its validUntil'],
    ['without a usable key', metadataOf([weak]), 'no key that can be used'],
    ['of certificates', first.pem, 'not well-formed'],
  ])('cannot be opened from a file %s', async (_, text, why) => {
    const publisher = samlPublisher()
    if (text !== undefined) publisher.files.set('idp.xml', text)
    await expect(publisher.open({ place })).rejects.toThrow('the metadata in idp.xml cannot be used: ')
    await expect(publisher.open({ place })).rejects.toThrow(why)
  })

  it('are read anew whenever the documents are', async () => {
    const { open, files } = withFile('idp.xml', metadataOf([first]))
    await open({ place })
    files.set('idp.xml', metadataOf([second]))
    expect(await names((await open({ place })).current(0))).toEqual([1])
  })
})

describe('keys from certificates in files', () => {
  const place = { certificates: ['idp.pem'] }

  it('are there from the start, and are read again after a minute', async () => {
    const { open, files } = withFile('idp.pem', first.pem)
    const keys = await open({ place })
    expect(keys.state(0)).toBe('fresh')
    const [before] = (await keys.current(0)).keys
    const renewed = testCertificate({ subject: 'first, renewed', key: first.key })
    files.set('idp.pem', second.pem + renewed.pem)
    expect(await names(keys.current(59))).toEqual([0])
    expect(await names(keys.current(60))).toEqual([1, 0])
    expect((await keys.current(60)).keys[1]).toBe(before)
  })

  it('are each there once', async () => {
    const { open } = withFile('idp.pem', first.pem + second.pem + first.pem)
    expect(await names((await open({ place: { certificates: ['idp.pem', 'idp.pem'] } })).current(0))).toEqual([0, 1])
  })

  it('are read at once for a signature that no known key has made, once a cooldown', async () => {
    const { open, files } = withFile('idp.pem', first.pem)
    const keys = await open({ place })
    files.set('idp.pem', second.pem)
    expect(await names(keys.renewed(1))).toEqual([1])
    files.set('idp.pem', first.pem)
    expect(await names(keys.renewed(30))).toEqual([1])
    expect(await names(keys.renewed(31))).toEqual([0])
  })

  it('outlast a file that is gone as long as the budget says', async () => {
    const { open, files, logged } = withFile('idp.pem', first.pem)
    const keys = await open({ place })
    files.delete('idp.pem')
    expect(await keys.current(3_599)).toMatchObject({ stale: true })
    expect(logged.at(-1)).toContain('signing certificates could not be read')
    await expect(keys.current(3_600)).rejects.toMatchObject(unavailable)
    await expect(keys.renewed(3_600)).rejects.toMatchObject(unavailable)
  })

  it.each([
    ['that is not there', undefined, 'no such file'],
    ['with a private key', first.pem + first.privateKeyPem, 'a block of another kind'],
    ['with a weak key', first.pem + weak.pem, 'too weak'],
    ['of metadata', metadataOf([first]), 'the PEM has no block'],
  ])('cannot be opened from a file %s', async (_, text, why) => {
    const publisher = samlPublisher()
    if (text !== undefined) publisher.files.set('idp.pem', text)
    await expect(publisher.open({ place })).rejects.toThrow('the signing certificates in idp.pem cannot be used: ')
    await expect(publisher.open({ place })).rejects.toThrow(why)
  })
})
