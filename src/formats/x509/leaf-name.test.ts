import { describe, expect, it } from 'vitest'
import { nameOf, testAuthority } from '../../../test/world/certificates.ts'
import { parseCertificate } from './certificate.ts'
import { hasName, type LeafName } from './leaf-name.ts'

const ipv4 = Buffer.from([10, 0, 0, 7])
const ipv6 = Buffer.from('20010db8000000000000000000000007', 'hex')

const leaf = parseCertificate(
  testAuthority('authority').issue({
    subject: nameOf(['2.5.4.10', 'Acme'], ['2.5.4.3', 'orders']),
    dns: ['Orders.example.org', '*.example.net'],
    uris: ['https://example.org/Orders'],
    emails: ['Orders@example.org'],
    ips: [ipv4, ipv6],
  }).der,
)

describe('the name of a certificate', () => {
  it.each<LeafName>([
    ['subject', 'CN=orders,O=Acme'],
    ['dns', 'orders.EXAMPLE.org'],
    ['dns', '*.example.net'],
    ['uri', 'https://example.org/Orders'],
    ['email', 'Orders@example.org'],
    ['ip', '10.0.0.7'],
    ['ip', '2001:db8::7'],
    ['ip', '2001:0DB8:0:0:0:0:0:7'],
  ])('of the kind %s is %s', (...name) => {
    expect(hasName(leaf, name)).toBe(true)
  })

  it.each<LeafName>([
    ['subject', 'CN=orders'],
    ['subject', 'O=Acme,CN=orders'],
    ['subject', 'cn=orders,O=Acme'],
    ['dns', 'orders'],
    ['dns', 'example.org'],
    ['dns', 'a.example.net'],
    ['dns', 'orders.example.org.'],
    ['uri', 'https://example.org/orders'],
    ['uri', 'https://example.org'],
    ['email', 'orders@example.org'],
    ['ip', '10.0.0.8'],
    ['ip', '10.0.7'],
    ['ip', '::ffff:a00:7'],
    ['ip', ''],
  ])('of the kind %s is not %s', (...name) => {
    expect(hasName(leaf, name)).toBe(false)
  })
})
