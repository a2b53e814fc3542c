import { describe, expect, it } from 'vitest'
import { newTrace, type Trace } from '../domain/trace.ts'
import { auditEvent } from './audit-event.ts'

const traceOf = (fields: Partial<Trace>): Trace => ({ ...newTrace('request-1', 1_800_000_000), ...fields })

describe('an audit event', () => {
  it('of a granted exchange tells all there is', () => {
    const trace = traceOf({
      grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client: 'svc-a',
      clientMethod: 'private_key_jwt',
      kind: 'oidc',
      issuer: 'https://idp.example',
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      subjectTokenFingerprint: '0123456789abcdef',
      subjectTokenId: 'jti-in',
      keyId: 'key-1',
      staleKeys: true,
      map: 'staff',
      rule: 'employees',
      version: 'v-1',
      subject: { value: 'user:ada', sensitivity: 'internal' },
      audience: ['https://orders.example'],
      scope: ['orders:read'],
      withheld: [{ name: 'email', because: 'sensitivity' }],
      wouldRefuse: { reason: 'rule.none_matched', detail: 'no rule' },
      transaction: 'txn-1',
      tokenId: 'jti-out',
      expiresAt: 1_800_000_300,
      outcome: { granted: true },
    })
    expect(auditEvent(trace, 1_800_000_000.0125)).toEqual({
      time: '2027-01-15T08:00:00.012Z',
      type: 'audit',
      request_id: 'request-1',
      decision: 'granted',
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client: 'svc-a',
      client_method: 'private_key_jwt',
      source: 'oidc',
      map: 'staff',
      rule: 'employees',
      map_version: 'v-1',
      issuer: 'https://idp.example',
      subject: 'user:ada',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token_sha256: '0123456789abcdef',
      subject_token_jti: 'jti-in',
      audience: ['https://orders.example'],
      scope: ['orders:read'],
      txn: 'txn-1',
      jti: 'jti-out',
      expires_at: '2027-01-15T08:05:00.000Z',
      stale_keys: true,
      withheld: [{ name: 'email', because: 'sensitivity' }],
      would_refuse: 'rule.none_matched',
      duration_ms: 12.5,
    })
  })

  it('of a refusal says why', () => {
    const outcome = { granted: false, reason: 'credential.expired', detail: 'exp has passed' } as const
    expect(auditEvent(traceOf({ outcome }), 1_800_000_000)).toEqual({
      time: '2027-01-15T08:00:00.000Z',
      type: 'audit',
      request_id: 'request-1',
      decision: 'refused',
      reason: 'credential.expired',
      detail: 'exp has passed',
      duration_ms: 0,
    })
  })

  it('of an exchange that was cut off is no grant', () => {
    expect(auditEvent(traceOf({ tokenId: 'x' }), 1_800_000_000)).toMatchObject({
      decision: 'refused',
      reason: 'internal',
    })
  })

  it.each(['pii', 'phi', 'pci', 'secret'] as const)('does not name a subject that is labelled %s', (sensitivity) => {
    const event = auditEvent(traceOf({ subject: { value: 'canary', sensitivity } }), 1_800_000_000)
    expect(event['subject']).toEqual({ redacted: sensitivity })
    expect(JSON.stringify(event)).not.toContain('canary')
  })

  it('holds nothing of the checks', () => {
    const checks = [{ stage: 'map', check: 'claims.email', ok: true, seen: { value: 'canary' } }] as const
    expect(JSON.stringify(auditEvent(traceOf({ checks: [...checks] }), 1_800_000_000))).not.toContain('canary')
  })

  it('shortens what a caller made long', () => {
    const event = auditEvent(traceOf({ issuer: 'x'.repeat(100_000), audience: ['y'.repeat(5_000)] }), 1_800_000_000)
    expect(JSON.stringify(event).length).toBeLessThan(3_000)
  })
})
