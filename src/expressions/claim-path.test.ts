import { describe, expect, it } from 'vitest'
import type { Claims } from '../domain/claims.ts'
import { FormatError } from '../formats/format-error.ts'
import { claimReader } from './claim-path.ts'

const claims: Claims = {
  sub: 'ada',
  zero: 0,
  no: false,
  nothing: null,
  'https://acme.example/dept': 'it',
  '/slash': 'one',
  'a/b': 1,
  'm~n': 2,
  realm_access: { roles: ['admin', null, { deep: 'yes' }] },
}

describe('claimReader', () => {
  it.each([
    ['sub', 'ada'],
    ['zero', 0],
    ['no', false],
    ['nothing', undefined],
    ['absent', undefined],
    ['https://acme.example/dept', 'it'],
    ['a/b', 1],
    ['realm_access.roles', undefined],
    ['/~1slash', 'one'],
    ['/slash', undefined],
    ['/a~1b', 1],
    ['/m~0n', 2],
    ['/realm_access/roles/0', 'admin'],
    ['/realm_access/roles/1', undefined],
    ['/realm_access/roles/2/deep', 'yes'],
    ['/realm_access/roles/3', undefined],
    ['/realm_access/roles/-', undefined],
    ['/realm_access/roles/00', undefined],
    ['/realm_access/roles/length', undefined],
    ['/sub/length', undefined],
    ['/', undefined],
  ])('reads %s as %j', (path, expected) => {
    expect(claimReader(path)(claims)).toEqual(expected)
  })

  it('sees nothing that a token does not have itself', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      for (const path of [name, `/${name}`, `/realm_access/${name}`, `/realm_access/roles/${name}`])
        expect(claimReader(path)(claims)).toBeUndefined()
    expect(claimReader('__proto__')(JSON.parse('{"__proto__": "own"}'))).toBe('own')
  })

  it.each(['', '/a~', '/a~2b', '/~'])('refuses %j', (path) => {
    expect(() => claimReader(path)).toThrow(FormatError)
  })
})
