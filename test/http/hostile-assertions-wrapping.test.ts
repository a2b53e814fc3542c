import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  assertionWrappings,
  responseWrappings,
  signedResponseWrappings,
  type Wrapping,
} from '../world/saml-wrapping.ts'
import { expectRefused, type Hostile, identityOf, openSamlWorld, refusesAll, type SamlWorld } from './saml-world.ts'

/** Signature wrapping: the signature is genuine, and so is what it covers, but something else is meant to be read. */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

const requester = 'urn:oasis:names:tc:SAML:2.0:status:Requester'

const genuine = {
  assertion: (w: SamlWorld) => w.idp.signedAssertion({ id: '_genuine' }),
  response: (w: SamlWorld) => w.idp.response({ content: w.idp.signedAssertion({ id: '_genuine' }) }),
  signedResponse: (w: SamlWorld) => w.idp.sign(w.idp.response({ content: w.idp.assertion({ id: '_genuine' }) })),
  error: (w: SamlWorld) => w.idp.sign(w.idp.response({ status: requester })),
}

const forged = (w: SamlWorld) =>
  w.idp.assertion({ id: '_forged', nameId: 'admin@example.com', attributes: { groups: ['admins'] } })

/** Well-formed all the same: what their signature covers is simply not there. */
const uncovered = new Set(['a forged assertion of the same ID that has the genuine signature'])

const rowsOf = (
  wrappings: Readonly<Record<string, Wrapping>>,
  original: (w: SamlWorld) => string,
): readonly Hostile[] =>
  Object.entries(wrappings).map(
    ([what, wrap]): Hostile => [
      what,
      uncovered.has(what) ? 'credential.signature_invalid' : 'credential.malformed',
      (w) => wrap(original(w), forged(w)),
    ],
  )

describe('an assertion that was wrapped', () => {
  refusesAll(rowsOf(assertionWrappings, genuine.assertion), () => world)

  it('is made of one that is accepted, and of one that is not', async () => {
    const answer = await world.post(genuine.assertion(world))
    expect(identityOf(answer)).toMatchObject({ sub: 'user:alice@example.com' })
    expectRefused(await world.post(forged(world)), 'credential.signature_invalid', world)
  })
})

describe('a response with an assertion that was wrapped', () => {
  refusesAll(rowsOf(responseWrappings, genuine.response), () => world)
  refusesAll(rowsOf(signedResponseWrappings, genuine.signedResponse), () => world)
})

describe('a signed error, used for its signature (CVE-2025-47949)', () => {
  refusesAll(rowsOf(signedResponseWrappings, genuine.error), () => world)
})

const whole: readonly Hostile[] = [
  ['a response with a signed assertion', 'credential.malformed', genuine.response],
  ['a signed response', 'credential.malformed', genuine.signedResponse],
  ['a signed error', 'credential.malformed', genuine.error],
  ['signed metadata', 'credential.malformed', (w) => w.idp.signedMetadata()],
]

describe('whole messages in place of an assertion', () => refusesAll(whole, () => world))
