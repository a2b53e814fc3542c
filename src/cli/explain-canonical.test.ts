import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'
import { testKey } from '../../test/world/signing.ts'
import type { Claims } from '../domain/claims.ts'

/** `dragoman explain` of a token of our own. */

const at = '2026-12-01T12:00:00Z'
const seconds = Date.parse(at) / 1_000
const us = 'https://dragoman.example.com'

const documents = `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: from-orders }
spec:
  source: { canonical: { audiences: [https://orders.example], maxDepth: 1 } }
  rules:
    - { name: onward, identity: same, grant: { audiences: [https://billing.example], scopes: [billing:read] } }
`

const ada: Claims = {
  iss: us,
  aud: 'https://orders.example',
  sub: 'user:ada',
  client_id: 'edge',
  identity_type: 'user',
  txn: 't-1',
  scope: 'billing:read',
  iat: seconds - 60,
  exp: seconds + 200,
}

const explain = async (claims: Claims, ...args: readonly string[]) => {
  const cwd = temporaryFolder()
  const key = await testKey('ours')
  writeFileSync(join(cwd, 'map.yaml'), documents)
  writeFileSync(join(cwd, 'jwks.json'), JSON.stringify({ keys: [key.publicJwk] }))
  writeFileSync(join(cwd, 'token.jwt'), await key.sign(claims, { typ: 'at+jwt' }))
  const given = ['explain', '@token.jwt', '--trust-maps', '.', '--keys-file', 'jwks.json', '--at', at]
  return runProgram([...given, ...args], { cwd })
}

describe('explain', () => {
  it('walks a token of ours where it is told who we are', async () => {
    const { out, code } = await explain(ada, '--issuer', us)
    expect(out).toContain('from-orders')
    expect(out).toContain('user:ada')
    expect(code).toBe(0)
  })

  it('asks who we are where it is not', async () => {
    const { out, code } = await explain(ada)
    expect(out).toContain('if this is us, say so: --issuer')
    expect(code).toBe(1)
  })

  it('says what to do about a chain that is too long', async () => {
    const { out } = await explain({ ...ada, act: { client_id: 'orders' } }, '--issuer', us)
    expect(out).toContain('delegation.too_deep')
    expect(out).toContain('raise maxDepth')
  })
})
