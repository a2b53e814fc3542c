import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type RequestPattern, requestMatcher, requestPatternKeys } from './request-pattern.ts'

const asked = { method: 'GET', host: 'orders.example.com', path: '/v1/orders/7' }

describe('a request fits a pattern', () => {
  it.each<readonly [string, RequestPattern, object, boolean]>([
    ['that says nothing', {}, {}, true],
    ['of its host', { hosts: ['orders.example.com'] }, {}, true],
    ['of its host, whatever the port', { hosts: ['orders.example.com'] }, { port: '8443' }, true],
    ['of its host and port', { hosts: ['orders.example.com:8443'] }, { port: '8443' }, true],
    ['of any port', { hosts: ['orders.example.com:*'] }, { port: '8443' }, true],
    ['of an IPv6 address', { hosts: ['[2001:db8::1]'] }, { host: '[2001:db8::1]', port: '80' }, true],
    ['of its path', { paths: ['/v1/**'] }, {}, true],
    ['of one of several methods', { methods: ['POST', 'GET'] }, {}, true],
    ['but not of another host', { hosts: ['example.com'] }, {}, false],
    [
      'but not of a host that only ends alike',
      { hosts: ['*.example.com'] },
      { host: 'orders.example.com.evil.example' },
      false,
    ],
    ['but not of another port', { hosts: ['orders.example.com:8443'] }, { port: '8444' }, false],
    ['but not of a port where none was said', { hosts: ['orders.example.com:443'] }, {}, false],
    ['but not of any port where none was said', { hosts: ['orders.example.com:*'] }, {}, false],
    ['but not of a path below one segment', { paths: ['/v1/*'] }, {}, false],
    ['but not of a path in other case', { paths: ['/V1/**'] }, {}, false],
    ['but not of another method', { methods: ['POST'] }, {}, false],
    ['but not of the half of it', { hosts: ['orders.example.com'], methods: ['POST'] }, {}, false],
    ['but not of an empty list', { hosts: [] }, {}, false],
  ])('%s', (_, pattern, changes, fits) => {
    expect(requestMatcher(pattern)({ ...asked, ...changes })).toBe(fits)
  })
})

describe('a pattern in a document', () => {
  const schema = z.strictObject(requestPatternKeys)

  it('is read, hosts in lower case', () => {
    const read = schema.parse({ hosts: ['Orders.Example.com'], paths: ['/v1/**'], methods: ['GET'] })
    expect(read).toEqual({ hosts: ['orders.example.com'], paths: ['/v1/**'], methods: ['GET'] })
  })

  it.each([
    [{ hosts: ['https://orders.example.com'] }],
    [{ hosts: ['orders.example.com/v1'] }],
    [{ hosts: [] }],
    [{ paths: ['v1'] }],
    [{ paths: ['/v1//x'] }],
    [{ paths: ['/v1/../x'] }],
    [{ paths: ['/%76%31'] }],
    [{ methods: ['get'] }],
    [{ methods: ['G ET'] }],
  ])('%j is a fault', (pattern) => {
    expect(schema.safeParse(pattern).success).toBe(false)
  })
})
