import { describe, expect, it } from 'vitest'
import { tlsClientAuth } from './tls_client_auth.ts'

const faultsOf = (config: object) =>
  tlsClientAuth
    .lint(tlsClientAuth.schema.parse({ method: 'tls_client_auth', trustAnchors: 'ca.pem', ...config }), {
      insecureLoopback: false,
    })
    .map(({ path, message }) => `${path}: ${message}`)

describe('the settings of tls_client_auth', () => {
  it.each([
    { subjectDN: 'CN=orders,O=Acme' },
    { sanDNS: 'orders.example.org' },
    { sanURI: 'https://example.org/orders' },
    { sanEmail: 'orders@example.org' },
    { sanIP: '10.0.0.7' },
    { sanIP: '2001:DB8:0::7' },
  ])('may be %j', (config) => {
    expect(faultsOf(config)).toEqual([])
  })

  it.each([{}, { sanDNS: 'a.example.org', sanIP: '10.0.0.7' }])('name one name, not as in %j', (config) => {
    expect(faultsOf(config)).toEqual([
      ': name exactly one of subjectDN, sanDNS, sanURI, sanIP, sanEmail (RFC 8705 section 2.1.2)',
    ])
  })

  it.each(['10.0.0.0/24', '10.0.7', '[::1]', 'fe80::1%eth0', 'orders.example.org'])(
    'take %s for no address',
    (sanIP) => {
      expect(faultsOf({ sanIP })).toEqual([`sanIP: ${sanIP} is no IP address`])
    },
  )
})
