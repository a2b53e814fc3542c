import { describe, expect, it } from 'vitest'
import { fixFor, type GatewayKind, gatewayKinds } from './doctor-fixes.ts'
import { probes } from './doctor-probes.ts'

const remedies = [...new Set(probes.map(({ remedy }) => remedy))]

describe.each(gatewayKinds)('the fixes for %s', (kind) => {
  it.each(remedies)('say what to do: %s', (remedy) => {
    for (const line of fixFor(kind, remedy, ['x-dragoman-tenant', 'TXN-TOKEN']).split('\n'))
      expect(line.trim()).toMatch(/^\S.{3,}$/)
  })

  it('name each certificate header that came through, once', () => {
    const fix = fixFor(kind, 'certificates', ['client-cert', 'Client-Cert', 'x-arr-clientcert']).toLowerCase()
    expect(fix.match(/\bclient-cert\b/g)).toHaveLength(1)
    expect(fix).toContain('x-arr-clientcert')
  })
})

it.each<readonly [GatewayKind, string]>([
  [
    'nginx',
    'in the location that leads to the service:\nauth_request_set $dragoman_tenant $upstream_http_x_dragoman_tenant;\nproxy_set_header X-Dragoman-Tenant $dragoman_tenant;\nproxy_set_header Txn-Token "";',
  ],
  [
    'caddy',
    'in forward_auth:\ncopy_headers Authorization X-Dragoman-Subject X-Dragoman-Client X-Dragoman-Rule X-Dragoman-Tenant X-Dragoman-Txn\nbefore forward_auth, all in one route:\nrequest_header -*dragoman*\nbefore forward_auth, all in one route:\nrequest_header -Txn-Token',
  ],
])('take what dragoman answers, and drop the rest: %s', (kind, fix) => {
  expect(fixFor(kind, 'identity', ['x-dragoman-tenant', 'TXN-TOKEN', 'X-Dragoman-Tenant'])).toBe(fix)
})

it('leave the header that Envoy writes to Envoy', () => {
  expect(fixFor('envoy', 'certificates', ['x-forwarded-client-cert', 'client-cert'])).toBe(
    'in http_connection_manager (SANITIZE without mutual TLS):\nforward_client_cert_details: SANITIZE_SET\nin a header_mutation filter before ext_authz:\n- remove: client-cert',
  )
})
