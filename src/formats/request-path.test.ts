import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError } from './format-error.ts'
import { requestPath } from './request-path.ts'

describe('the path of a request', () => {
  it.each([
    ['/', '/'],
    ['/v1/orders', '/v1/orders'],
    ['/v1/orders/', '/v1/orders/'],
    ['/v1/orders?next=/../admin//&x=%00', '/v1/orders'],
    ['/v1/orders.json', '/v1/orders.json'],
    ['/.well-known/x', '/.well-known/x'],
    ['/...a', '/...a'],
    ['/a..b/..c/d..e', '/a..b/..c/d..e'],
    ['/users/ada@example.com', '/users/ada@example.com'],
    ['/users/ada%40example.com', '/users/ada@example.com'],
    ['/%61dmin', '/admin'],
    ['/items%3Adelete', '/items:delete'],
    ['/a%20b', '/a%20b'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a%22b', '/a%22b'],
    ['/%e2%82%ac%7e', '/%E2%82%AC~'],
  ])('%s is %s', (target, path) => {
    expect(requestPath(target)).toBe(path)
  })

  it.each([
    ['', 'the path does not begin with a slash'],
    ['*', 'the path does not begin with a slash'],
    ['v1', 'the path does not begin with a slash'],
    ['?x', 'the path does not begin with a slash'],
    ['http://a/b', 'the path does not begin with a slash'],
    ['//a', 'the path has an empty segment'],
    ['/a//b', 'the path has an empty segment'],
    ['/a/../b', 'the path has a dot segment'],
    ['/a/..', 'the path has a dot segment'],
    ['/a/./b', 'the path has a dot segment'],
    ['/.', 'the path has a dot segment'],
    ['/..?x', 'the path has a dot segment'],
    ...['/...', '/a../b', '/a.', '/a.?x', '/a%20', '/a%20/b', '/a.%20/'].map((path) => [
      path,
      'a segment of the path ends in a dot or a space',
    ]),
    ['/a;b', 'the path has a character that is not of a path'],
    ['/a/..;/b', 'the path has a character that is not of a path'],
    ['/a\\b', 'the path has a character that is not of a path'],
    ['/a b', 'the path has a character that is not of a path'],
    ['/a#b', 'the path has a character that is not of a path'],
    ['/é', 'the path has a character that is not of a path'],
    ['/a\0', 'the path has a character that is not of a path'],
    ['/a\n', 'the path has a character that is not of a path'],
    ['/a%', 'the path has a character that is not of a path'],
    ['/a%2', 'the path has a character that is not of a path'],
    ['/a%zz', 'the path has a character that is not of a path'],
    ['/a%u002e', 'the path has a character that is not of a path'],
    ...[
      '%2e%2e',
      '.%2e',
      '%2E',
      '%2f',
      '%2F',
      '%5c',
      '%3b',
      '%3f',
      '%3F',
      '%23',
      '%25',
      '%252e',
      '%00',
      '%0d%0a',
      '%09',
      '%7f',
    ].map((hidden) => [`/a/${hidden}/b`, 'the path hides a character that ends or divides paths']),
    ['/%c0%ae%c0%ae/b', 'the path has escapes that are not UTF-8'],
    ['/%c0%af', 'the path has escapes that are not UTF-8'],
    ['/%ff', 'the path has escapes that are not UTF-8'],
    ['/%c3/%a9', 'the path has escapes that are not UTF-8'],
    ['/%ed%a0%80', 'the path has escapes that are not UTF-8'],
    [`/${'a'.repeat(8_192)}`, 'the path is longer than 8192 characters'],
  ])('%j is none: %s', (target, why) => {
    expect(() => requestPath(target ?? '')).toThrow(new FormatError(why ?? ''))
  })

  it('has one spelling, which is its own', () => {
    const text = fc.string({ unit: fc.constantFrom(...'/.%;\\ab2eEfF05c?#é '.split('')), maxLength: 16 })
    fc.assert(
      fc.property(text, (written) => {
        const path = pathOr(`/${written}`)
        if (path === undefined) return
        expect(requestPath(path)).toBe(path)
        expect(new URL(path, 'https://a').pathname).toBe(path)
        expect(decodeURIComponent(path).split('/')).not.toContain('..')
        expect(decodeURIComponent(path).split('/')).toHaveLength(path.split('/').length)
      }),
      { numRuns: 20_000 },
    )
  })
})

const pathOr = (target: string): string | undefined => {
  try {
    return requestPath(target)
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}
