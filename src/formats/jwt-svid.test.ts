import { describe, expect, it } from 'vitest'
import type { Claims } from '../domain/claims.ts'
import { JwtSvidError, jwtSvidAlgorithms, jwtSvidHeader, workloadId } from './jwt-svid.ts'

const faultOf = (header: Claims): string => {
  try {
    jwtSvidHeader(header, jwtSvidAlgorithms)
    return 'none'
  } catch (error) {
    if (!(error instanceof JwtSvidError)) throw error
    return error.fault
  }
}

describe('jwtSvidHeader', () => {
  it('takes the nine algorithms, with or without kid and typ', () => {
    for (const alg of jwtSvidAlgorithms) expect(jwtSvidHeader({ alg }, jwtSvidAlgorithms)).toEqual({ alg })
    expect(jwtSvidHeader({ alg: 'ES256', kid: 'a', typ: 'JWT' }, ['ES256'])).toEqual({ alg: 'ES256', kid: 'a' })
    expect(faultOf({ alg: 'ES256', typ: 'JOSE' })).toBe('none')
  })

  it.each([
    ['none', { alg: 'none' }, 'algorithm'],
    ['a MAC', { alg: 'HS256' }, 'algorithm'],
    ['EdDSA', { alg: 'EdDSA' }, 'algorithm'],
    ['Ed25519', { alg: 'Ed25519' }, 'algorithm'],
    ['ML-DSA', { alg: 'ML-DSA-44' }, 'algorithm'],
    ['lower case', { alg: 'es256' }, 'algorithm'],
    ['no algorithm', { typ: 'JWT' }, 'algorithm'],
    ['a list of algorithms', { alg: ['ES256'] }, 'algorithm'],
    ['typ in lower case', { alg: 'ES256', typ: 'jwt' }, 'type'],
    ['typ with a prefix', { alg: 'ES256', typ: 'application/jwt' }, 'type'],
    ['an access token', { alg: 'ES256', typ: 'at+jwt' }, 'type'],
    ['a WIT-SVID', { alg: 'ES256', typ: 'wit+jwt', kid: 'a' }, 'type'],
    ['an empty typ', { alg: 'ES256', typ: '' }, 'type'],
    ['a null typ', { alg: 'ES256', typ: null }, 'type'],
    ['crit', { alg: 'ES256', crit: ['exp'] }, 'parameter'],
    ['a key of the sender', { alg: 'ES256', jwk: {} }, 'parameter'],
    ['a certificate of the sender', { alg: 'ES256', x5c: [] }, 'parameter'],
    ['a parameter that nobody knows', { alg: 'ES256', 'x-mine': 1 }, 'parameter'],
    ['iss beside alg', { alg: 'ES256', iss: 'x' }, 'parameter'],
    ['an empty kid', { alg: 'ES256', kid: '' }, 'kid'],
    ['a kid that is no text', { alg: 'ES256', kid: 1 }, 'kid'],
    ['a kid without end', { alg: 'ES256', kid: 'k'.repeat(513) }, 'kid'],
  ] as const)('refuses %s', (_, header, fault) => {
    expect(faultOf(header)).toBe(fault)
  })

  it('takes no algorithm that the list leaves out', () => {
    expect(() => jwtSvidHeader({ alg: 'RS256' }, ['ES256'])).toThrow(JwtSvidError)
  })
})

describe('workloadId', () => {
  it('wants a path', () => {
    expect(workloadId('spiffe://prod.example.org/web')?.path).toBe('/web')
    expect(workloadId('spiffe://prod.example.org')).toBeUndefined()
    expect(workloadId('spiffe://prod.example.org/')).toBeUndefined()
  })
})
