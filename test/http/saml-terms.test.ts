import { describe, expect, it, onTestFinished } from 'vitest'
import type { AssertionOptions } from '../world/saml-assertion-text.ts'
import { samlIdentityProvider } from '../world/saml-identity-provider.ts'
import { contextClasses, nameIdFormats } from '../world/saml-names.ts'
import { entityId, expectRefused, openSamlWorld, orders, type SamlWorld, type SamlWorldOptions } from './saml-world.ts'

/** What `source.saml` of a map changes in the judgment of an assertion, and what an assertion changes in its token. */

const open = async (options: SamlWorldOptions = {}): Promise<SamlWorld> => {
  const world = await openSamlWorld(options)
  onTestFinished(() => world.stop())
  return world
}

describe('the algorithms of a map', () => {
  it.each(['rsa-pss-sha256', 'rsa-pss-sha384', 'rsa-pss-sha512'] as const)(
    'may be %s, and then no other',
    async (method) => {
      const world = await open({ source: { algorithms: [method] } })
      expect((await world.post(world.idp.signedAssertion({}, { method }))).status).toBe(200)
      expectRefused(await world.post(world.idp.signedAssertion()), 'credential.algorithm_not_allowed', world)
    },
  )

  it.each(['rsa-sha1', 'hmac-sha256', 'rsa-md5', 'dsa-sha256', 'none'])('are never %s', async (algorithm) => {
    await expect(openSamlWorld({ source: { algorithms: [algorithm] } })).rejects.toThrow('algorithms')
  })
})

describe('the certificates of a map', () => {
  it.each(['RSA-1024', 'secp256k1'] as const)('are none with a key of the kind %s', async (key) => {
    const weak = samlIdentityProvider({ entityId, key })
    await expect(openSamlWorld({ files: { 'idp.pem': weak.certificatePem } })).rejects.toThrow('idp.pem')
  })

  it('may be several, while one takes the place of the other', async () => {
    const next = samlIdentityProvider({ entityId, now: () => Date.UTC(2026, 5, 1, 12) / 1_000 })
    const world = await open({
      source: { certificates: ['idp.pem', 'next.pem'] },
      files: { 'next.pem': next.certificatePem },
    })
    expect((await world.post(world.idp.signedAssertion())).status).toBe(200)
    expect((await world.post(next.signedAssertion())).status).toBe(200)
    expectRefused(await world.post(world.attacker.signedAssertion()), 'credential.signature_invalid', world)
  })
})

describe('the terms of a map', () => {
  const acs = 'https://apps.example.com/acs'
  const to = (recipient: string): AssertionOptions => ({ confirmations: [{ recipient }] })

  it('name the Recipients, in place of our token endpoint', async () => {
    const world = await open({ source: { recipient: [acs, 'urn:x'] } })
    expect((await world.post(world.idp.signedAssertion(to(acs)))).status).toBe(200)
    expect((await world.post(world.idp.signedAssertion(to('urn:x')))).status).toBe(200)
    expectRefused(await world.post(world.idp.signedAssertion()), 'credential.recipient_mismatch', world)
  })

  it('name the audiences', async () => {
    const world = await open({ source: { audiences: ['urn:us'] } })
    const conditions = { audiences: [['urn:us']] }
    expect((await world.post(world.idp.signedAssertion({ conditions }))).status).toBe(200)
    expectRefused(await world.post(world.idp.signedAssertion()), 'credential.audience_mismatch', world)
  })

  it.each<
    readonly [
      string,
      object,
      AssertionOptions,
      AssertionOptions,
      'credential.not_yet_valid' | 'credential.too_old' | 'credential.lifetime_excessive',
    ]
  >([
    [
      'the skew',
      { clockSkew: '5s' },
      { conditions: { notBefore: 5 } },
      { conditions: { notBefore: 6 } },
      'credential.not_yet_valid',
    ],
    ['the age', { maxAge: '10m' }, { issueInstant: -660 }, { issueInstant: -661 }, 'credential.too_old'],
    ['the lifetime', { maxLifetime: '310s' }, {}, { issueInstant: -11 }, 'credential.lifetime_excessive'],
  ])('bound %s', async (_, source, good, bad, reason) => {
    const world = await open({ source: source as Record<string, unknown> })
    expect((await world.post(world.idp.signedAssertion(good))).status).toBe(200)
    expectRefused(await world.post(world.idp.signedAssertion(bad)), reason, world)
  })
})

describe('the token for an assertion', () => {
  it.each<readonly [string, AssertionOptions, number]>([
    ['the conditions', { conditions: { notOnOrAfter: 100 } }, 100],
    ['the confirmation', { confirmations: [{ notOnOrAfter: 90 }] }, 90],
    ['the session', { authn: { sessionNotOnOrAfter: 80 } }, 80],
    ['the best confirmation', { confirmations: [{ notOnOrAfter: 20 }, { notOnOrAfter: 70 }] }, 70],
    ['the grant', { conditions: { notOnOrAfter: 3_600 }, confirmations: [{ notOnOrAfter: 3_600 }] }, 300],
  ])('ends with %s', async (_, options, left) => {
    const world = await open()
    const { claims, body } = await world.post(world.idp.signedAssertion(options))
    expect([claims['exp'], body['expires_in']]).toEqual([world.now() + left, left])
  })

  it('says when and how the subject authenticated', async () => {
    const world = await open()
    const xml = world.idp.signedAssertion({ authn: { instant: -42, contextClass: contextClasses.twoFactors } })
    expect((await world.post(xml)).claims).toMatchObject({
      auth_time: world.now() - 42,
      acr: contextClasses.twoFactors,
    })
  })

  it('is for nobody whom the ProxyRestriction does not name', async () => {
    const world = await open()
    const restricted = (audience: string) =>
      world.idp.signedAssertion({ conditions: { proxyRestriction: { count: 1, audiences: [audience] } } })
    expect((await world.post(restricted(orders))).status).toBe(200)
    const answer = await world.post(restricted('https://billing.internal.example'))
    expect([answer.status, answer.body['error'], answer.reason]).toEqual([400, 'invalid_target', 'target.not_allowed'])
    expect(answer.claims).toEqual({})
  })

  it('is about the name, whatever its qualifiers say', async () => {
    const world = await open()
    const name = { value: 'alice', format: nameIdFormats.transient, spProvidedId: 'admin', nameQualifier: 'x' }
    const answer = await world.post(world.idp.signedAssertion({ nameId: name }))
    expect(answer.claims['sub']).toBe('user:alice')
  })
})
