import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encryptAssertion } from '../world/saml-encryption.ts'
import { changed } from '../world/saml-text.ts'
import {
  entityId,
  expectRefused,
  openSamlWorld,
  otherEntityId,
  type SamlWorld,
  type SamlWorldOptions,
} from './saml-world.ts'

/** Assertions that may be used once (SAML core 2.5.1.5, profiles 4.1.4.5). */

let world: SamlWorld
afterEach(() => world.stop())
const open = async (options: SamlWorldOptions = {}) => {
  world = await openSamlWorld(options)
}

const once = (id = '_once') => world.idp.signedAssertion({ id, conditions: { oneTimeUse: true } })

describe('an assertion with OneTimeUse', () => {
  beforeEach(() => open())

  it('is taken once', async () => {
    const xml = once()
    expect((await world.post(xml)).status).toBe(200)
    expectRefused(await world.post(xml), 'credential.replayed', world)
    expectRefused(await world.post(xml), 'credential.replayed', world)
  })

  it('is taken once of many that come at once', async () => {
    const xml = once()
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.post(xml)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it.each<readonly [string, (xml: string) => string | Promise<string>]>([
    ['other white space around it', (xml) => `\n${xml}\n`],
    ['a comment', (xml) => `<!-- again -->${xml}`],
    ['an XML declaration', (xml) => `<?xml version="1.0"?>${xml}`],
    ['its value in lines', (xml) => changed(xml, '</ds:SignatureValue>', '\n</ds:SignatureValue>')],
    ['no KeyInfo', (xml) => changed(xml, /<ds:KeyInfo>[\s\S]*<\/ds:KeyInfo>/, '')],
    ['a character reference', (xml) => changed(xml, '>alice@', '>&#97;lice@')],
    ['encryption', (xml) => encryptAssertion(xml, world.encryption)],
  ])('is not taken again with %s', async (_, respell) => {
    const xml = once()
    expect((await world.post(xml)).status).toBe(200)
    expectRefused(await world.post(await respell(xml)), 'credential.replayed', world)
  })

  it('is not taken again when it is signed again', async () => {
    expect((await world.post(once())).status).toBe(200)
    expectRefused(await world.post(once()), 'credential.replayed', world)
  })

  it('is not taken again as long as the clocks let it live', async () => {
    const xml = once()
    expect((await world.post(xml)).status).toBe(200)
    world.setTime(world.now() + 359)
    expectRefused(await world.post(xml), 'credential.replayed', world)
    world.setTime(world.now() + 1)
    expectRefused(await world.post(xml), 'credential.expired', world)
  })

  it('does not stand in the way of another of its ID by another issuer, or of another ID', async () => {
    expect((await world.post(once())).status).toBe(200)
    expect((await world.post(once('_other'))).status).toBe(200)
    const other = world.otherIdp.signedAssertion({ id: '_once', conditions: { oneTimeUse: true } })
    expect((await world.post(other)).status).toBe(200)
  })

  it('is not used up by those who only have its ID', async () => {
    const conditions = { oneTimeUse: true }
    expectRefused(
      await world.post(world.idp.assertion({ id: '_once', conditions })),
      'credential.signature_invalid',
      world,
    )
    const forged = world.attacker.signedAssertion({ id: '_once', conditions })
    expectRefused(await world.post(forged), 'credential.signature_invalid', world)
    const foreign = world.otherIdp.signedAssertion({ id: '_once', issuer: entityId, conditions })
    expectRefused(await world.post(foreign), 'credential.key_unknown', world)
    const early = world.idp.signedAssertion({ id: '_once', conditions: { ...conditions, notBefore: 100 } })
    expectRefused(await world.post(early), 'credential.not_yet_valid', world)
    expect((await world.post(once())).status).toBe(200)
  })
})

describe('any assertion', () => {
  it('is taken again by a map that does not mind', async () => {
    await open()
    const xml = world.idp.signedAssertion()
    expect((await world.post(xml)).status).toBe(200)
    expect((await world.post(xml)).status).toBe(200)
  })

  it('is taken once by a map with oneTimeUse, of its own issuer alone', async () => {
    await open({ source: { oneTimeUse: true } })
    const xml = world.idp.signedAssertion()
    expect((await world.post(xml)).status).toBe(200)
    expectRefused(await world.post(xml), 'credential.replayed', world)
    const other = world.otherIdp.signedAssertion({ issuer: otherEntityId })
    expect((await world.post(other)).status).toBe(200)
    expect((await world.post(other)).status).toBe(200)
  })

  it('is refused while nobody knows whether it was used', async () => {
    const silent = () => Promise.reject(new Error('no answer'))
    await open({ replay: { once: silent, check: silent } })
    const answer = await world.post(once())
    expect([answer.status, answer.body['error'], answer.reason]).toEqual([
      503,
      'temporarily_unavailable',
      'store.unavailable',
    ])
    expect((await world.post(world.idp.signedAssertion())).status).toBe(200)
  })
})
