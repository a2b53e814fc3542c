import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { testAuthority, testCertificate } from '../../test/world/certificates.ts'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'

const authority = testAuthority('Partner CA')

const initialized = async (pem: string, ...words: readonly string[]) => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'Partner CA.pem'), pem)
  return { cwd, ...(await runProgram(['init', '--ca', 'Partner CA.pem', ...words], { cwd })) }
}

it('writes a map and a test that pass as they are, beside the authority', async () => {
  const { cwd, code, out, err } = await initialized(authority.pem)
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(
    /^wrote trust-maps\/partner-ca\.yaml and trust-maps\/partner-ca_test\.yaml, with the authority in /,
  )
  expect(readdirSync(join(cwd, 'trust-maps')).toSorted()).toEqual([
    'partner-ca.pem',
    'partner-ca.yaml',
    'partner-ca_test.yaml',
  ])
  const map = readFileSync(join(cwd, 'trust-maps', 'partner-ca.yaml'), 'utf8')
  expect(map).toContain('# Believes "CN=Partner CA"\n')
  expect(map.split('\n').length).toBeLessThanOrEqual(20)
  expect(await runProgram(['check', 'trust-maps'], { cwd })).toMatchObject({ code: 0 })
  const tested = await runProgram(['test', 'trust-maps'], { cwd })
  expect([tested.code, tested.out]).toEqual([0, expect.stringContaining('3 tests, 0 failed; 1 of 1 rule covered')])
  const again = await runProgram(['init', '--ca', 'Partner CA.pem'], { cwd })
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('is there already and stays as it is') })
})

it.each([
  ['a leaf', testCertificate({ subject: 'client' }).pem, 1, 'holds CN=client, which is no authority'],
  ['no PEM', 'hello', 1, "give PEM with the authority's certificate"],
])('refuses %s', async (_, pem, code, message) => {
  const answer = await initialized(pem)
  expect([answer.code, answer.err]).toEqual([code, expect.stringContaining(message)])
})

it('believes an issuer or an authority, not both and not nobody', async () => {
  expect(await initialized(authority.pem, '--issuer', 'https://idp.example')).toMatchObject({ code: 2 })
  expect(await runProgram(['init'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--issuer URL, --metadata URL or FILE, or --ca FILE'),
  })
})
