import { describe, expect, it } from 'vitest'
import { requireSupported, runtimeName } from './runtime-limits.ts'

const tls = { cert: 'c', key: 'k' }

describe('what a runtime leaves out', () => {
  it.each([
    [{ node: '24.0.0' }, 'Node'],
    [{ node: '24.0.0', deno: '2.9.6' }, 'Deno'],
    [{ node: '24.0.0', bun: '1.4.5' }, 'Bun'],
  ])('%j is %s', (versions, name) => expect(runtimeName(versions)).toBe(name))

  it('is refused by name', () => {
    const asked = { tls: { ...tls, clientCa: 'any' } }
    expect(() => requireSupported(asked, 'Bun')).toThrow('Bun does not show the certificates of clients')
    for (const name of ['Node', 'Deno'] as const) expect(() => requireSupported(asked, name)).not.toThrow()
    expect(() => requireSupported({ tls }, 'Bun')).not.toThrow()
  })
})
