import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'

const map = `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: idp }
spec:
  source:
    oidc: { issuer: https://idp.example, audiences: [us] }
  rules:
    - name: ada
      when: { claims: { sub: ada } }
      identity: { type: user, subject: { claim: sub, prefix: "user:" } }
      grant: { audiences: [https://orders.example] }
    - name: bob
      when: { claims: { sub: bob } }
      identity: { type: user, subject: { claim: sub } }
      grant: { audiences: [https://orders.example] }
`

const suite = (expected: string) => `apiVersion: dragoman/v1alpha1
kind: TrustMapTest
metadata: { name: idp }
spec:
  now: "2026-12-01T12:00:00Z"
  fixtures:
    ada: { iss: https://idp.example, aud: us, sub: ada, iat: 1796126340, exp: 1796126700 }
  tests:
    - name: ada is herself
      token: ada
      expect: ${expected}
    - name: eve is nobody
      token: ada
      claims: { sub: eve }
      expect: { decision: deny, reason: rule.none_matched }
`

const folderWith = (files: Readonly<Record<string, string>>): string => {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const good = '{ decision: allow, rule: ada, identity: { subject: "user:ada" } }'
const bad = '{ decision: allow, rule: bob, identity: { subject: ada } }'

describe('dragoman test', () => {
  it('passes the policy that comes with dragoman, every rule of it', async () => {
    const { code, out, err } = await runProgram(['test', 'trust-maps'])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/\n\n11 tests, 0 failed; 3 of 3 rules covered\n$/)
  })

  it('names each test, and the rules that none has matched', async () => {
    const cwd = folderWith({ 'idp.yaml': map, 'idp_test.yaml': suite(good) })
    expect(await runProgram(['test', '.'], { cwd })).toEqual({
      code: 0,
      out: `PASS  idp: ada is herself
PASS  idp: eve is nobody

2 tests, 0 failed; 1 of 2 rules covered
  idp/bob: no test has matched it (idp.yaml:12)
`,
      err: '',
    })
  })

  it('says what differed, and ends with 4', async () => {
    const cwd = folderWith({ 'idp.yaml': map, 'idp_test.yaml': suite(bad) })
    const { code, out } = await runProgram(['test', '.', '--coverage'], { cwd })
    expect(code).toBe(4)
    expect(out).toBe(`FAIL  idp: ada is herself (idp_test.yaml:9)
        rule: expected bob, got ada
        identity.subject: expected "ada", got "user:ada"
PASS  idp: eve is nobody

2 tests, 1 failed; 1 of 2 rules covered
  idp/ada: 1 test (idp.yaml:8)
  idp/bob: no test has matched it (idp.yaml:12)
`)
  })

  it('prints JSON', async () => {
    const cwd = folderWith({ 'idp.yaml': map, 'idp_test.yaml': suite(bad) })
    const { code, out } = await runProgram(['test', '.', '-o', 'json'], { cwd })
    expect(code).toBe(4)
    expect(JSON.parse(out)).toMatchObject({
      tests: [
        { suite: 'idp', name: 'ada is herself', passed: false, differences: [expect.any(String), expect.any(String)] },
        { name: 'eve is nobody', passed: true, outcome: { granted: false, reason: 'rule.none_matched' } },
      ],
      coverage: [
        { map: 'idp', rule: 'ada', tests: 1 },
        { map: 'idp', rule: 'bob', tests: 0 },
      ],
    })
  })

  it('runs the suites of one file, over the maps of its folder', async () => {
    const other = suite(bad).replace('name: idp', 'name: other')
    const cwd = folderWith({ 'idp.yaml': map, 'good_test.yaml': suite(good), 'bad_test.yaml': other })
    expect((await runProgram(['test', 'good_test.yaml'], { cwd })).code).toBe(0)
    expect((await runProgram(['test', 'bad_test.yaml'], { cwd })).code).toBe(4)
  })

  it('runs nothing over documents with faults', async () => {
    const cwd = folderWith({ 'idp.yaml': map.replace('rules:', 'ruels:'), 'idp_test.yaml': suite(good) })
    const { code, out, err } = await runProgram(['test', '.'], { cwd })
    expect([code, out]).toEqual([3, ''])
    expect(err).toContain('fix: did you mean `rules`?')
    expect(err).toMatch(/\ndragoman: \d faults? in the documents; mend them first\n$/)
  })

  it('does not take the absence of tests for success', async () => {
    expect(await runProgram(['test', '.'], { cwd: folderWith({ 'idp.yaml': map }) })).toEqual({
      code: 1,
      out: '',
      err: 'dragoman: there are no tests in .; write a TrustMapTest beside the map\n',
    })
  })
})
