import { describe, expect, it } from 'vitest'
import { lintTrustDomains, type TrustDomainSettings, trustDomainSchema } from './trust-domain-settings.ts'

const faultsOf = (...domains: readonly object[]) =>
  lintTrustDomains(
    domains.map((domain) => trustDomainSchema.parse(domain)) as readonly TrustDomainSettings[],
    (index) => `trustDomains[${index}]`,
  ).map(({ path, message }) => `${path}: ${message}`)

const url = 'https://prod.example.org/bundle'
const own = 'spiffe://prod.example.org/spire/server'
const web = { url, profile: 'https_web' }
const bySvid = { url, profile: 'https_spiffe', endpointSpiffeId: own }
const prod = { name: 'prod.example.org' }

describe('trust domain settings', () => {
  it('accepts a file, an endpoint of the web, and one that shows an SVID', () => {
    expect(faultsOf({ ...prod, bundleFile: 'prod.json' })).toEqual([])
    expect(faultsOf({ ...prod, bundleEndpoint: web })).toEqual([])
    expect(faultsOf({ ...prod, bundleEndpoint: { ...bySvid, bundleFile: 'prod.json' } })).toEqual([])
  })

  it('accepts an endpoint of another trust domain that is known itself', () => {
    const served = { name: 'partner.example.net', bundleEndpoint: bySvid }
    expect(faultsOf(served, { ...prod, bundleFile: 'prod.json' })).toEqual([])
    expect(faultsOf(served, { ...prod, bundleEndpoint: web })).toEqual([])
    expect(faultsOf({ ...served, bundleEndpoint: { ...bySvid, bundleFile: 'prod.json' } })).toEqual([])
  })

  it.each([
    ['upper case', 'Prod.example.org'],
    ['a scheme', 'spiffe://prod.example.org'],
    ['a wildcard', '*.example.org'],
    ['nothing', ''],
  ])('refuses the name with %s', (_, name) => {
    expect(trustDomainSchema.safeParse({ name, bundleFile: 'x' }).success).toBe(false)
  })

  it.each([
    ['spiffe://prod.example.org'],
    ['spiffe://prod.example.org/a/../b'],
    ['https://prod.example.org/spire/server'],
  ])('refuses the endpoint SPIFFE ID %s', (endpointSpiffeId) => {
    expect(trustDomainSchema.safeParse({ ...prod, bundleEndpoint: { ...bySvid, endpointSpiffeId } }).success).toBe(
      false,
    )
  })

  it('finds what the schema cannot', () => {
    const place = 'trustDomains[0]'
    expect(faultsOf(prod)).toEqual([`${place}: name exactly one of bundleFile, bundleEndpoint`])
    expect(faultsOf({ ...prod, bundleFile: 'x', bundleEndpoint: web })).toEqual([
      `${place}: name exactly one of bundleFile, bundleEndpoint`,
    ])
    expect(faultsOf({ ...prod, bundleEndpoint: { ...web, url: 'http://prod.example.org/' } })).toEqual([
      `${place}.bundleEndpoint.url: http://prod.example.org/ is not https`,
    ])
    expect(faultsOf({ ...prod, bundleEndpoint: { ...web, endpointSpiffeId: own } })).toEqual([
      `${place}.bundleEndpoint: endpointSpiffeId and bundleFile go with the profile https_spiffe`,
    ])
    expect(faultsOf({ ...prod, bundleEndpoint: { url, profile: 'https_spiffe' } })).toEqual([
      `${place}.bundleEndpoint: https_spiffe needs endpointSpiffeId`,
    ])
    expect(faultsOf({ ...prod, bundleEndpoint: bySvid })).toEqual([
      `${place}.bundleEndpoint: the bundle of prod.example.org is needed to know the endpoint by`,
    ])
    expect(faultsOf({ ...prod, bundleFile: 'x' }, { ...prod, bundleFile: 'y' })).toEqual([
      'trustDomains[1].name: the trust domain prod.example.org stands twice',
    ])
  })

  it('follows no chain of endpoints', () => {
    const one = { name: 'one.example', bundleEndpoint: { ...bySvid, endpointSpiffeId: 'spiffe://two.example/server' } }
    const two = { name: 'two.example', bundleEndpoint: { ...bySvid, endpointSpiffeId: 'spiffe://one.example/server' } }
    expect(faultsOf(one, two)).toEqual([
      'trustDomains[0].bundleEndpoint: the bundle of two.example is needed to know the endpoint by',
      'trustDomains[1].bundleEndpoint: the bundle of one.example is needed to know the endpoint by',
    ])
  })
})
