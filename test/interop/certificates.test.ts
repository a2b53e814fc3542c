import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { certtool } from './certificates/certtool.ts'
import { openssl } from './certificates/openssl.ts'
import { type Chain, type ChainChanges, keyKinds, makeChain } from './certificates/toolkit.ts'
import { outputOf } from './command.ts'

/** Certificates that real programs make, and what OpenSSL says of them. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const ownFolder = () => mkdtempSync(join(folder, 'chain-'))

/** What `openssl verify` says of the leaf, for TLS clients: `OK` or its complaint. */
const judged = async ({ root, intermediate, leaf }: Chain, options: readonly string[] = []): Promise<string> => {
  const trust = ['-CAfile', root.certificate, '-untrusted', intermediate.certificate, ...options]
  try {
    await outputOf('openssl', ['verify', '-x509_strict', '-purpose', 'sslclient', ...trust, leaf.certificate])
    return 'OK'
  } catch (error) {
    return /^error .*: (.*)$/m.exec(String(error))?.[1] ?? String(error)
  }
}

describe.each([openssl, certtool])('$name', (toolkit) => {
  it.each(keyKinds)('makes a chain of %s keys, and can revoke its leaf', async (kind) => {
    const chain = await makeChain(toolkit, ownFolder(), kind)
    expect(await judged(chain)).toBe('OK')
    const list = await toolkit.revoke(chain.intermediate, [])
    expect(await judged(chain, ['-crl_check', '-CRLfile', list])).toBe('OK')
    const longer = await toolkit.revoke(chain.intermediate, [chain.leaf])
    expect(await judged(chain, ['-crl_check', '-CRLfile', longer])).toBe('certificate revoked')
  })

  const past = { from: new Date(Date.now() - 7_200_000), until: new Date(Date.now() - 3_600_000) }

  it.each<[string, ChainChanges]>([
    ['certificate has expired', { leaf: { validity: past } }],
    ['certificate purpose', { leaf: { purposes: ['server'] } }],
    [
      'permitted subtree violation',
      { intermediate: { authority: { permitted: { dns: ['elsewhere.test.example'] } } } },
    ],
    ['excluded subtree violation', { intermediate: { authority: { excluded: { email: ['prod.test.example'] } } } }],
  ])('makes one of which the complaint is: %s', async (complaint, own) => {
    expect(await judged(await makeChain(toolkit, ownFolder(), 'p256', own))).toContain(complaint)
  })
})
