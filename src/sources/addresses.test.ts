import { BlockList } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reachOf } from './addresses.ts'

/** The special-purpose registries once more, for a matcher that shares nothing with the code under test. */
const listOf = (type: 'ipv4' | 'ipv6', ...networks: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', prefix] = network.split('/')
    list.addSubnet(base, Number(prefix), type)
  }
  return list
}
const private4 = listOf('ipv4', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10')
const loopback4 = listOf('ipv4', '127.0.0.0/8')
const never4 = listOf(
  'ipv4',
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '100.100.100.200/32',
  '168.63.129.16/32',
)
const global6 = listOf('ipv6', '2000::/3')
const never6 = listOf(
  'ipv6',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '2620:4f:8000::/48',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
)
const unique6 = listOf('ipv6', 'fc00::/7')

const expected4 = (address: string) => {
  if (never4.check(address)) return 'never'
  if (loopback4.check(address)) return 'loopback'
  return private4.check(address) ? 'private' : 'public'
}

const expected6 = (address: string) => {
  if (never6.check(address, 'ipv6')) return 'never'
  if (global6.check(address, 'ipv6')) return 'public'
  if (unique6.check(address, 'ipv6')) return 'private'
  return address === '0:0:0:0:0:0:0:1' ? 'loopback' : 'never'
}

const near = (...firsts: readonly number[]) => fc.constantFrom(...firsts)
const octet = fc.nat(255)
const ipv4 = fc
  .tuple(fc.oneof(octet, near(0, 10, 100, 127, 168, 169, 172, 192, 198, 203, 224, 255)), octet, octet, octet)
  .map((octets) => octets.join('.'))
const group = fc.nat(0xffff)
const ipv6 = fc
  .tuple(
    fc.oneof(
      group,
      near(0, 0x64, 0x100, 0x2000, 0x2001, 0x2002, 0x2620, 0x3fff, 0x4000, 0x5f00, 0xfc00, 0xfe80, 0xff02),
    ),
    fc.oneof(group, near(0, 2, 0xdb8, 0xff9b, 0xec2, 0x4f)),
    fc.array(fc.oneof(group, near(0)), { minLength: 6, maxLength: 6 }),
  )
  .filter(([first, second]) => !(first === 0x64 && second === 0xff9b))
  .map(([first, second, rest]) => [first, second, ...rest].map((part) => part.toString(16)).join(':'))

describe('reachOf', () => {
  it('classifies every IPv4 address as the registries do', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        expect(reachOf(address)).toBe(expected4(address))
      }),
      { numRuns: 5_000 },
    )
  })

  it('classifies every IPv6 address as the registries do', () => {
    fc.assert(
      fc.property(ipv6, (address) => {
        const isMapped = address.startsWith('0:0:0:0:0:ffff:')
        if (!isMapped) expect(reachOf(address)).toBe(expected6(address))
      }),
      { numRuns: 5_000 },
    )
  })

  it('judges an IPv4-mapped address by the IPv4 address within', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        expect(reachOf(`::ffff:${address}`)).toBe(expected4(address))
      }),
    )
  })

  it('reaches nothing but public addresses through a translator', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        expect(reachOf(`64:ff9b::${address}`)).toBe(expected4(address) === 'public' ? 'public' : 'never')
      }),
    )
  })

  it('never reaches an IPv4 address by a way of writing that only tunnels understand', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        const [high, low] = address
          .split('.')
          .reduce<readonly number[]>(
            ([a = 0, b = 0], text, at) => (at < 2 ? [a * 256 + Number(text), b] : [a, b * 256 + Number(text)]),
            [0, 0],
          )
        const embedded = `${(high ?? 0).toString(16)}:${(low ?? 0).toString(16)}`
        if (high !== 0) expect(reachOf(`::${address}`)).toBe('never')
        if (high !== 0) expect(reachOf(`::${embedded}`)).toBe('never')
        expect(reachOf(`2002:${embedded}::1`)).toBe('never')
        expect(reachOf(`64:ff9b:1::${embedded}`)).toBe('never')
        expect(reachOf(`2001:0:${embedded}::1`)).toBe('never')
      }),
    )
  })

  it.each([
    ['8.8.8.8', 'public'],
    ['2606:4700::1', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', 'public'],
    ['100.64.0.1', 'private'],
    ['fd12::1', 'private'],
    ['169.254.169.254', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['fd00:ec2::254', 'never'],
    ['100.100.100.200', 'never'],
    ['168.63.129.16', 'never'],
    ['0.0.0.0', 'never'],
    ['::', 'never'],
    ['fe80::1%eth0', 'never'],
    ['255.255.255.255', 'never'],
    ['224.0.0.1', 'never'],
    ['ff02::1', 'never'],
    ['198.18.0.1', 'never'],
    ['2001:db8::1', 'never'],
    ['', 'never'],
    ['localhost', 'never'],
    ['1.2.3.4.5', 'never'],
  ])('%s is %s', (address, reach) => expect(reachOf(address)).toBe(reach))
})
