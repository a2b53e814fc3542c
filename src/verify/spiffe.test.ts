import { describe, expect, it } from 'vitest'
import { at, audience, trustDomains, webId } from '../../test/world/svids.ts'
import { Refusal } from '../domain/refusal.ts'
import { spiffe } from './spiffe.ts'

describe('the settings', () => {
  const faultsOf = (config: object) =>
    spiffe.lint(spiffe.schema.parse({ trustDomains, ...config }), { insecureLoopback: false }).map(({ path }) => path)

  it('want audiences where JWT-SVIDs are taken, and say which document is wrong', () => {
    expect(faultsOf({})).toEqual(['audiences'])
    expect(faultsOf({ types: ['x509-svid'] })).toEqual([])
    expect(faultsOf({ audiences: [audience] })).toEqual([])
    expect(faultsOf({ audiences: [audience], trustDomains: [{ name: 'prod.example.org' }] })).toEqual([
      'trustDomains[0]',
    ])
  })

  it('take no algorithm that JWT-SVIDs do not have', () => {
    expect(spiffe.schema.safeParse({ trustDomains, algorithms: ['EdDSA'] }).success).toBe(false)
    expect(spiffe.schema.safeParse({ trustDomains: [] }).success).toBe(false)
  })
})

describe('an SVID that a policy test assumes', () => {
  const config = spiffe.schema.parse({ trustDomains, audiences: [audience] })
  const assumed = (claims: Record<string, string | number>) => {
    try {
      return spiffe.assume?.(claims, config, at).claims['svid']
    } catch (thrown) {
      return thrown instanceof Refusal ? thrown.reason : thrown
    }
  }

  it('is a JWT-SVID if it has an audience, and is judged as far as claims can tell', () => {
    expect(assumed({ sub: webId })).toBe('x509')
    expect(assumed({ sub: webId, aud: audience })).toBe('jwt')
    expect(assumed({ sub: webId, aud: 'https://other.example' })).toBe('credential.audience_mismatch')
    expect(assumed({ sub: webId, not_after: at - 1 })).toBe('credential.expired')
    expect(assumed({ sub: webId, not_before: at + 1 })).toBe('credential.not_yet_valid')
    expect(assumed({ sub: 'web' })).toBe('credential.claim_invalid')
    expect(assumed({ sub: 'spiffe://other.example.org/web' })).toBe('issuer.unknown')
  })
})
