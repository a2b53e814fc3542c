import { SaxesParser } from 'saxes'
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { type TestCertificate, testCertificate } from '../../test/world/certificates.ts'
import { collectGarbage } from '../../test/world/garbage.ts'
import { samlIdentityProvider } from '../../test/world/saml-identity-provider.ts'
import { entitiesText, type MetadataOptions } from '../../test/world/saml-metadata-text.ts'
import { metadataOf, metadataURL, samlPublisher, whichOf } from '../../test/world/saml-publisher.ts'
import type { SamlKeysSpec } from './saml-metadata.ts'

const first = testCertificate({ subject: 'first' })
const second = testCertificate({ subject: 'second' })
const weak = testCertificate({ subject: 'weak', key: 'RSA-1024' })
const names = whichOf(first, second)
const unavailable = { name: 'Refusal', reason: 'keys.unavailable' }

const federation = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })
const successor = samlIdentityProvider({ entityId: 'https://federation.example', key: 'P-256' })

const fifty = Array.from({ length: 50 }, (_, n) => `https://idp${n}.example/saml`)
const [one = '', other = '', third = ''] = fifty
const twoHours = { 'cache-control': 'max-age=7200' }

/** A federation's document: all with the same keys, but for the options of some. */
const aggregate = (
  certificates: readonly TestCertificate[],
  options: Readonly<Record<string, Partial<MetadataOptions>>> = {},
  members: readonly string[] = fifty,
) =>
  entitiesText(
    members.map((entityId) => metadataOf(certificates, { entityId, ...options[entityId] })),
    0,
    { id: '_all' },
  )

const signedBy = (signer: typeof federation, xml: string) => signer.sign(xml, { after: /[^>]*>/ })

const publishing = (body: string, headers: Readonly<Record<string, string>> = twoHours) => {
  const publisher = samlPublisher()
  publisher.answers.set(metadataURL, { body, headers })
  const publish = (next: string) => publisher.answers.set(metadataURL, { body: next, headers })
  const openFor = (entityID: string, spec: Partial<SamlKeysSpec> = {}) => publisher.open({ ...spec, entityID })
  const openAll = (spec?: Partial<SamlKeysSpec>) => Promise.all(fifty.map((entityID) => openFor(entityID, spec)))
  return { ...publisher, publish, openFor, openAll }
}

type All = Awaited<ReturnType<ReturnType<typeof publishing>['openAll']>>
const current = (all: All, now: number) => Promise.all(all.map((keys) => names(keys.current(now))))
const renewed = (all: All, now: number) => Promise.all(all.map((keys) => names(keys.renewed(now))))
const each = (which: readonly number[]) => fifty.map(() => which)

/** Of every document that is parsed, however it is come by. */
let parsing: MockInstance
const parses = () => parsing.mock.calls.filter(([chunk]) => chunk !== null).length
beforeEach(() => {
  parsing = vi.spyOn(SaxesParser.prototype, 'write')
})
afterEach(() => {
  parsing.mockRestore()
})

describe('many maps on one URL', () => {
  it('cost one fetch and one parse', async () => {
    const { openAll, asked } = publishing(aggregate([first]))
    const all = await openAll()
    await Promise.all(all.map((keys) => keys.prefetch(0)))
    expect(all.map((keys) => keys.state(0))).toEqual(fifty.map(() => 'fresh'))
    expect(await current(all, 1)).toEqual(each([0]))
    expect([asked.length, parses()]).toEqual([1, 1])
  })

  it('cost one verification where it must be signed: the document is parsed, and what was signed', async () => {
    const { openAll, asked, files, tools } = publishing(signedBy(federation, aggregate([first])))
    const hash = vi.spyOn(tools.ports.digest, 'hash')
    const verify = vi.spyOn(tools.ports.certificateSignatures, 'verify')
    files.set('federation.pem', federation.certificatePem)
    const all = await openAll({ metadataCertificates: ['federation.pem'] })
    expect(await current(all, 0)).toEqual(each([0]))
    expect([asked.length, parses(), hash.mock.calls.length, verify.mock.calls.length]).toEqual([1, 2, 1, 1])
  })

  it('cost one fetch a cooldown for signatures that no known key has made, and no parse while nothing changes', async () => {
    const { openAll, openFor, asked, publish } = publishing(aggregate([first]))
    const all = await openAll()
    await current(all, 0)
    for (let now = 10; now < 70; now++) await all[now % 50]?.renewed(now)
    expect([asked.length, parses()]).toEqual([3, 1])
    publish(aggregate([second]))
    expect(await renewed(all, 100)).toEqual(each([1]))
    expect([asked.length, parses()]).toEqual([4, 2])
    await (await openFor(one, { staleKeys: 60 })).renewed(129)
    expect(asked).toHaveLength(4)
  })

  it('cost one fetch as often as it wants to be fetched, whenever each of them is used', async () => {
    const { openAll, asked, publish } = publishing(aggregate([first]))
    const all = await openAll()
    await current(all, 0)
    publish(aggregate([second]))
    for (const [n, keys] of all.entries()) expect(await names(keys.current(7_200 + n * 100))).toEqual([1])
    expect([asked.length, parses()]).toEqual([2, 2])
    publish(aggregate([first]))
    for (const [n, keys] of all.entries()) await keys.current(12_960 + n * 10)
    await new Promise(setImmediate)
    expect(await current(all, 13_500)).toEqual(each([0]))
    expect([asked.length, parses()]).toEqual([3, 3])
  })

  it('keep what each of them knows when it is bad, and look at that once', async () => {
    const { openAll, openFor, asked, publish, logged } = publishing(aggregate([first]))
    const all = await openAll()
    await current(all, 0)
    publish(aggregate([second]).slice(0, -1))
    expect(await renewed(all, 10)).toEqual(each([0]))
    expect([asked.length, parses()]).toEqual([2, 2])
    expect(logged).toHaveLength(50)
    expect(await renewed(all, 20)).toEqual(each([0]))
    await expect((await openFor(one, { staleKeys: 60 })).current(20)).rejects.toMatchObject(unavailable)
    expect([asked.length, parses()]).toEqual([2, 2])
    publish(aggregate([second]))
    expect(await renewed(all, 40)).toEqual(each([1]))
  })

  it('keep what each of them knows through an outage, as long as its own budget says', async () => {
    const { openFor, asked, answers, publish } = publishing(aggregate([first]), { 'cache-control': 'max-age=600' })
    const short = await openFor(one, { staleKeys: 900 })
    const long = await openFor(other)
    expect(await names(short.current(0))).toEqual([0])
    expect(await names(long.current(470))).toEqual([0])
    expect(asked).toHaveLength(1)
    answers.delete(metadataURL)
    expect(await short.current(899)).toMatchObject({ stale: true })
    expect(await long.current(899)).toMatchObject({ stale: true })
    await expect(short.current(900)).rejects.toMatchObject(unavailable)
    // The budget runs from when the document was fetched, not from when the map came to need it.
    expect(await long.current(3_599)).toMatchObject({ stale: true })
    await expect(long.current(3_600)).rejects.toMatchObject(unavailable)
    publish(aggregate([second]))
    expect(await names(long.current(3_700))).toEqual([1])
    expect(await names(short.current(3_700))).toEqual([1])
  })

  it('cost one fetch a cooldown in an outage', async () => {
    const { openAll, asked, answers } = publishing(aggregate([first]), { 'cache-control': 'max-age=60' })
    const all = await openAll()
    await current(all, 0)
    answers.delete(metadataURL)
    for (let now = 60; now < 120; now++) {
      await all[now % 50]?.current(now)
      await all[(now * 7) % 50]?.renewed(now)
    }
    expect(asked).toHaveLength(3)
  })

  it('do not take part in the failure of one that is not in it', async () => {
    const { openFor, asked, logged, publish } = publishing(aggregate([first], {}, [one]))
    const there = await openFor(one)
    const missing = await openFor(other)
    await Promise.all([there.prefetch(0), missing.prefetch(0)])
    expect([there.state(0), missing.state(0)]).toEqual(['fresh', 'missing'])
    expect(logged).toEqual([expect.stringContaining(other)])
    expect(logged.join()).toContain('the metadata is not about the entity')
    expect(asked).toHaveLength(1)
    publish(aggregate([second]))
    expect(await names(missing.current(5))).toEqual([1])
    expect(await names(there.current(6))).toEqual([0])
    expect([asked.length, parses()]).toEqual([2, 2])
  })

  it('each keep its keys the objects that they were', async () => {
    const { openFor, publish } = publishing(aggregate([first]))
    const both = await Promise.all([openFor(one), openFor(one, { staleKeys: 60 }), openFor(other)])
    const before = await Promise.all(both.map(async (keys) => (await keys.current(0)).keys[0]))
    publish(aggregate([second, first]))
    const after = await Promise.all(both.map(async (keys) => (await keys.renewed(10)).keys[1]))
    for (const [n, key] of after.entries()) expect(key).toBe(before[n])
  })

  it('each say which of its keys cannot be used', async () => {
    const { openFor, logged } = publishing(aggregate([first], { [one]: { certificates: [first, weak] } }))
    for (const entityID of [one, other]) await (await openFor(entityID)).current(0)
    expect(logged).toEqual([`keys of SAML metadata cannot be used {"entityID":"${one}","keys":1}`])
  })
})

describe('a map that comes to a document that others have fetched', () => {
  it('is content with it while it is fresh, but does not hold it for the newest', async () => {
    const { openFor, asked, publish } = publishing(aggregate([first]))
    await (await openFor(one)).current(0)
    publish(aggregate([second]))
    const late = await openFor(other)
    expect(await late.current(1_000)).toMatchObject({ stale: false, justLoaded: false })
    expect(asked).toHaveLength(1)
    expect(await late.renewed(1_000)).toMatchObject({ justLoaded: true })
    expect(await names(late.current(1_000))).toEqual([1])
    expect(asked).toHaveLength(2)
  })

  it('wants what is newer than its own newest for a signature that no known key has made', async () => {
    const { openFor, asked, publish } = publishing(aggregate([first]))
    const [busy, quiet] = [await openFor(one), await openFor(other)]
    await Promise.all([busy.current(0), quiet.current(0)])
    await busy.renewed(100)
    publish(aggregate([second]))
    expect(await names(quiet.renewed(1_000))).toEqual([1])
    expect(asked).toHaveLength(3)
  })

  it.each([
    ['is too old for it', aggregate([first], { [other]: { cacheDuration: 'PT5M' } })],
    ['has expired for it', aggregate([first], { [other]: { validUntil: 300 } })],
    ['does not know it yet', aggregate([first], {}, [one])],
    ['has no key of it that can be used', aggregate([first], { [other]: { certificates: [weak] } })],
  ])('has it fetched anew where it %s', async (_, body) => {
    const { openFor, asked, publish } = publishing(body)
    const early = await openFor(one)
    await early.current(0)
    publish(aggregate([second]))
    expect(await names((await openFor(other)).current(300))).toEqual([1])
    expect(await names(early.current(301))).toEqual([0])
    expect(asked).toHaveLength(2)
  })

  it('has it fetched as often as its own entity says, from which the others profit', async () => {
    const { openFor, asked, publish } = publishing(aggregate([first], { [other]: { cacheDuration: 'PT5M' } }), {
      'cache-control': 'max-age=400',
    })
    const [patient, eager] = [await openFor(one), await openFor(other)]
    await Promise.all([patient.current(0), eager.current(0)])
    publish(aggregate([second]))
    expect(await names(eager.current(300))).toEqual([1])
    expect(await names(patient.current(399))).toEqual([0])
    await new Promise(setImmediate)
    expect(await names(patient.current(400))).toEqual([1])
    expect(asked).toHaveLength(2)
  })

  it('does without it while the last fetch has failed', async () => {
    const { openFor, asked, answers, logged, publish } = publishing(aggregate([first]))
    const early = await openFor(one)
    await early.current(0)
    answers.delete(metadataURL)
    expect(await names(early.renewed(10))).toEqual([0])
    const late = await openFor(other)
    await expect(late.current(11)).rejects.toMatchObject(unavailable)
    expect(logged.at(-1)).toContain('idp.example.com cannot be reached: down')
    expect(asked).toHaveLength(2)
    publish(aggregate([second]))
    expect(await names(late.current(40))).toEqual([1])
  })
})

describe('maps that trust different signers of one document', () => {
  const spec = (file: string) => ({ metadataCertificates: [file] })

  it('share it, and each judges it', async () => {
    const { openFor, asked, files, logged } = publishing(signedBy(federation, aggregate([first])))
    files.set('federation.pem', federation.certificatePem)
    files.set('both.pem', successor.certificatePem + federation.certificatePem)
    files.set('successor.pem', successor.certificatePem)
    const [mine, both, others, nobody] = await Promise.all([
      openFor(one, spec('federation.pem')),
      openFor(other, spec('both.pem')),
      openFor(third, spec('successor.pem')),
      openFor(third),
    ])
    expect(await names(mine.current(0))).toEqual([0])
    expect(await names(both.current(0))).toEqual([0])
    await expect(others.current(0)).rejects.toMatchObject(unavailable)
    expect(logged.at(-1)).toContain('signed under none of the certificates')
    expect(await names(nobody.current(0))).toEqual([0])
    // Once for all, and once more for the map that has no use for what the others have fetched.
    expect(asked).toHaveLength(2)
  })

  it('lose it when its signer is theirs no more, and no others do', async () => {
    const { openFor, files } = publishing(signedBy(federation, aggregate([first])))
    files.set('a.pem', federation.certificatePem)
    files.set('b.pem', federation.certificatePem)
    const [a, b] = [await openFor(one, spec('a.pem')), await openFor(other, spec('b.pem'))]
    await Promise.all([a.current(0), b.current(0)])
    files.set('a.pem', successor.certificatePem)
    await expect(a.current(60)).rejects.toMatchObject(unavailable)
    expect(await names(b.current(60))).toEqual([0])
    expect([a.state(60), b.state(60)]).toEqual(['missing', 'fresh'])
  })

  it('keep what they know when another takes it for good', async () => {
    const { openFor, files, publish } = publishing(signedBy(federation, aggregate([first])))
    files.set('federation.pem', federation.certificatePem)
    const [strict, lax] = [await openFor(one, spec('federation.pem')), await openFor(other)]
    await Promise.all([strict.current(0), lax.current(0)])
    publish(aggregate([second]))
    expect(await names(lax.renewed(10))).toEqual([1])
    expect(await names(strict.renewed(11))).toEqual([0])
    expect(await names(strict.current(7_199))).toEqual([0])
    await expect(strict.current(7_200)).rejects.toMatchObject(unavailable)
  })
})

describe('a document is not shared', () => {
  it.each([
    ['by those who may reach other hosts', { allowHosts: ['idp.example.com'] }],
    ['by those who look elsewhere', { place: { metadataURL: `${metadataURL}?2` } }],
  ])('%s', async (_, spec) => {
    const { openFor, asked, answers } = publishing(aggregate([first]))
    answers.set(`${metadataURL}?2`, { body: aggregate([first]) })
    await (await openFor(one)).current(0)
    await (await openFor(other, spec)).current(0)
    expect(asked).toHaveLength(2)
  })

  it('by two deployments', async () => {
    const [a, b] = [publishing(aggregate([first])), publishing(aggregate([second]))]
    expect(await names((await a.openFor(one)).current(0))).toEqual([0])
    expect(await names((await b.openFor(one)).current(0))).toEqual([1])
  })
})

describe('many maps on one file', () => {
  const place = { metadataFile: 'all.xml' }

  it('cost one parse for as long as it does not change', async () => {
    const { openAll, files } = publishing('')
    files.set('all.xml', aggregate([first]))
    const all = await openAll({ place })
    expect(await current(all, 60)).toEqual(each([0]))
    expect(parses()).toBe(1)
    files.set('all.xml', aggregate([second]))
    expect(await current(all, 120)).toEqual(each([1]))
    expect(parses()).toBe(2)
  })
})

describe('a document', () => {
  it('is kept while a map needs it', async () => {
    const { openFor, asked } = publishing(aggregate([first]))
    const keys = await openFor(one)
    await keys.current(0)
    await collectGarbage()
    await (await openFor(other)).current(1)
    expect(asked).toHaveLength(1)
    expect(keys.state(1)).toBe('fresh')
  })

  it('is let go when none does', async () => {
    const { openFor, asked } = publishing(aggregate([first]))
    await (await openFor(one)).current(0)
    await collectGarbage()
    await (await openFor(other)).current(1)
    expect(asked).toHaveLength(2)
  })
})
