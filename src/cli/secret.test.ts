import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url')

describe('dragoman secret', () => {
  it('makes a new secret each time, with the form of it that may stand in a document', async () => {
    const [first, second] = await Promise.all([
      runProgram(['secret', '-o', 'json']),
      runProgram(['secret', '-o', 'json']),
    ])
    const made = JSON.parse(first.out) as { secret: string; sha256: string }
    expect(made.secret).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(made.sha256).toBe(sha256(made.secret))
    expect(first.out).not.toBe(second.out)
  })

  it('prints text that a person can read', async () => {
    const { code, out, err } = await runProgram(['secret'])
    expect(code).toBe(0)
    const [, secret = '', digest] = /^secret: (\S+)\nsha256: (\S+)\n$/.exec(out) ?? []
    expect(digest).toBe(sha256(secret))
    expect(err).toContain('put the sha256 into its Client document')
  })

  it('prints a Client document that is good as it is; the secret stays out of it', async () => {
    const folder = temporaryFolder()
    const words = [
      'secret',
      '--client',
      'edge',
      '--audience',
      'https://*.example',
      '--scope',
      'orders:*',
      '--scope',
      '- #x',
    ]
    const { code, out, err } = await runProgram(words)
    expect(code).toBe(0)
    const [, secret = ''] = /^the secret of edge, shown this once: (\S+)\n$/.exec(err) ?? []
    expect(out).toContain(`secrets: [{ sha256: ${sha256(secret)} }]`)
    expect(out).not.toContain(secret)
    writeFileSync(join(folder, 'edge.yaml'), out)
    expect(await runProgram(['check', folder])).toMatchObject({ code: 0 })
  })

  it('refuses a name that no document can have', async () => {
    const { code, out, err } = await runProgram(['secret', '--client', 'Edge: x'])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('a name is lower-case letters, digits and hyphens')
  })
})

describe('dragoman schema', () => {
  it('prints the JSON Schema that is checked in', async () => {
    const { code, out } = await runProgram(['schema'])
    expect(code).toBe(0)
    const checkedIn = readFileSync(new URL('../../schema/trust-maps.schema.json', import.meta.url), 'utf8')
    expect(JSON.parse(out)).toEqual(JSON.parse(checkedIn))
  })
})
