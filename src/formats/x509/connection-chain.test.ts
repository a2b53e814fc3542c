import { describe, expect, it } from 'vitest'
import { testAuthority } from '../../../test/world/certificates.ts'
import { FormatError } from '../format-error.ts'
import { parseCertificate } from './certificate.ts'
import { parsedChain, unlessRefused } from './connection-chain.ts'

const authority = testAuthority('authority')
const start = 1_800_000_000

const judged = () => {
  const leaf = parseCertificate(authority.issue().der)
  const anchors = [parseCertificate(authority.der)]
  let count = 0
  const failing = () => Promise.reject(new Error(`refused ${++count}`))
  return { leaf, anchors, failing }
}

describe('the chain of a connection', () => {
  it('is taken apart once', () => {
    const chain = [authority.issue().der, authority.der] as const
    const parsed = parsedChain(chain)
    expect(parsed).toHaveLength(2)
    expect(parsedChain(chain)).toBe(parsed)
    expect(parsedChain([...chain])).not.toBe(parsed)
  })

  it('that cannot be taken apart is refused each time', () => {
    const chain = [authority.issue().der, Buffer.of(1, 2, 3)] as const
    for (const _ of [1, 2]) expect(() => parsedChain(chain)).toThrow(FormatError)
  })

  it('that is refused stays so for a minute, in the same words', async () => {
    const { leaf, anchors, failing } = judged()
    for (const now of [start, start + 1, start + 59])
      await expect(unlessRefused(leaf, anchors, now, failing)).rejects.toThrow('refused 1')
    await expect(unlessRefused(leaf, anchors, start + 60, failing)).rejects.toThrow('refused 2')
  })

  it('is judged anew by other authorities, and when the clock was put back', async () => {
    const { leaf, anchors, failing } = judged()
    await expect(unlessRefused(leaf, anchors, start, failing)).rejects.toThrow('refused 1')
    await expect(unlessRefused(leaf, [...anchors], start, failing)).rejects.toThrow('refused 2')
    await expect(unlessRefused(leaf, anchors, start - 1, failing)).rejects.toThrow('refused 3')
    expect(await unlessRefused(leaf, [...anchors], start, () => Promise.resolve('good'))).toBe('good')
  })

  it('that holds is judged each time', async () => {
    const { leaf, anchors, failing } = judged()
    expect(await unlessRefused(leaf, anchors, start, () => Promise.resolve('good'))).toBe('good')
    await expect(unlessRefused(leaf, anchors, start, failing)).rejects.toThrow('refused 1')
  })
})
