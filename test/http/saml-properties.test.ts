import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changedText, textMutations } from '../fuzz/text-mutations.ts'
import { canonicalText } from '../world/saml-canonical.ts'
import { encryptAssertion } from '../world/saml-encryption.ts'
import { respellings } from '../world/saml-respelling.ts'
import { assertionWrappings, signatureOf } from '../world/saml-wrapping.ts'
import { alice, identityOf, openSamlWorld, type SamlWorld } from './saml-world.ts'

/** What holds for whatever is made of a genuine assertion, and for many random things that are. */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

/** Refused, or exactly the one whom the issuer meant. */
const outcomeOf = async (xml: string | Uint8Array) => {
  const answer = await world.post(xml)
  if (answer.status === 200) return identityOf(answer)
  expect([answer.status, answer.body['error'], answer.claims]).toEqual([400, 'invalid_request', {}])
  return answer.reason
}

const blank = new Set(['\t', '\n', '\r', ' '].map((letter) => letter.charCodeAt(0)))

describe('a genuine assertion', () => {
  it('is refused when one octet of what is signed is changed, unless it is written otherwise and says the same', async () => {
    const genuine = world.idp.sign(canonicalText(world.idp.assertion(), '/*'))
    const octets = Buffer.from(genuine)
    const [from, to] = [genuine.indexOf('<ds:Signature '), genuine.indexOf('</ds:Signature>') + 15]
    const place = fc.integer({ min: 0, max: octets.length - 1 }).filter((at) => at < from || at >= to)
    expect(await outcomeOf(genuine)).toEqual(alice)
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Buffer.from(octets)
        changed[at] = (octets[at] ?? 0) ^ bits
        const outcome = await outcomeOf(changed)
        const isSpacing = blank.has(octets[at] ?? 0) && blank.has(changed[at] ?? 0)
        expect(outcome).toEqual(isSpacing && typeof outcome === 'object' ? alice : expect.any(String))
      }),
      { numRuns: 1_500 },
    )
  })

  it('is refused when one octet of its signature is changed, or says what it said', async () => {
    const genuine = world.idp.signedAssertion()
    const octets = Buffer.from(genuine)
    const from = genuine.indexOf('<ds:SignedInfo>')
    const place = fc.integer({ min: from, max: genuine.indexOf('</ds:SignatureValue>') })
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Buffer.from(octets)
        changed[at] = (octets[at] ?? 0) ^ bits
        const outcome = await outcomeOf(changed)
        expect(outcome).toEqual(typeof outcome === 'object' ? alice : expect.any(String))
      }),
      { numRuns: 500 },
    )
  })

  it.each(respellings)('is accepted however often it is written with $name', async ({ respell }) => {
    const genuine = world.idp.signedAssertion()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 9_999 }), { minLength: 1, maxLength: 8 }), async (places) => {
        expect(await outcomeOf(places.reduce(respell, genuine))).toEqual(alice)
      }),
      { numRuns: 25 },
    )
  })

  it('is accepted in any mixture of other spellings', async () => {
    const step = fc.record({ which: fc.constantFrom(...respellings), at: fc.nat({ max: 9_999 }) })
    const originals = [
      world.idp.signedAssertion(),
      world.idp.signedAssertion({ prefix: '', between: '\n' }, { prefix: '' }),
    ]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...originals), fc.array(step, { maxLength: 20 }), async (original, steps) => {
        const respelled = steps.reduce((xml, { which, at }) => which.respell(xml, at), original)
        expect(await outcomeOf(respelled)).toEqual(alice)
      }),
      { numRuns: 200 },
    )
  })

  it('is refused or speaks of the same person, whatever is changed in it', async () => {
    const genuine = world.idp.signedAssertion({ id: '_genuine' })
    const forged = world.idp.assertion({
      id: '_forged',
      nameId: 'admin@example.com',
      attributes: { groups: ['admins'] },
    })
    const wrapped = Object.values(assertionWrappings).map((wrap) => wrap(genuine, forged))
    const sealed = await encryptAssertion(genuine, world.encryption)
    const originals = [genuine, genuine, sealed, ...wrapped]
    const donors = [genuine, forged, signatureOf(genuine), ...wrapped]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...originals), textMutations, async (original, changes) => {
        const outcome = await outcomeOf(changedText(original, changes, donors).toWellFormed().slice(0, 60_000))
        expect(outcome).toEqual(typeof outcome === 'object' ? alice : expect.any(String))
      }),
      { numRuns: 600 },
    )
  })
})
