import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'
import { type TestKey, testKey } from '../../test/world/signing.ts'
import type { Claims } from '../domain/claims.ts'

const at = '2026-12-01T12:00:00Z'
const seconds = Date.parse(at) / 1_000

const documents = `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: idp }
spec:
  source:
    oidc: { issuer: https://idp.example, audiences: [us, them], clients: [edge] }
  claimValidationRules:
    - { claim: tenant, requiredValue: acme, message: another tenant }
  rules:
    - name: robots
      when: { claims: { kind: robot, sub: r2 } }
      identity: { type: workload, subject: { claim: sub } }
      grant: { audiences: [https://orders.example] }
    - name: staff
      when:
        claims:
          kind: person
          department: sales
      identity:
        type: user
        subject: { claim: sub, prefix: "user:" }
        groups: { claim: groups }
        claims:
          email: { claim: email, sensitivity: pii }
          team: { claim: team, sensitivity: public, required: false }
      grant: { audiences: [https://orders.example, https://billing.example], scopes: [read] }
---
apiVersion: dragoman/v1alpha1
kind: Client
metadata: { name: edge }
spec:
  authentication:
    - { method: client_secret_basic, secrets: [{ env: NOT_SET_WHERE_THIS_RUNS }] }
  may: { sources: [idp], audiences: [https://orders.example] }
---
apiVersion: dragoman/v1alpha1
kind: Client
metadata: { name: other }
spec:
  authentication:
    - { method: client_secret_basic, secrets: [{ env: NOT_SET_WHERE_THIS_RUNS }] }
  may: { sources: [idp], audiences: ["https://*.example"] }
`

const ada: Claims = {
  iss: 'https://idp.example',
  aud: 'us',
  sub: 'ada',
  tenant: 'acme',
  kind: 'person',
  department: 'sales',
  groups: ['staff'],
  email: 'ada@acme.example',
  iat: seconds - 60,
  exp: seconds + 600,
}

let key: TestKey
beforeAll(async () => {
  key = await testKey('idp-1')
})

const folder = (): string => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'idp.yaml'), documents)
  writeFileSync(join(cwd, 'jwks.json'), JSON.stringify({ keys: [key.publicJwk] }))
  return cwd
}

const options = ['--trust-maps', '.', '--keys-file', 'jwks.json', '--at', at]

/** Explains ada's token with `changes` to its claims. */
const explain = async (changes: Claims, ...words: readonly string[]) => {
  const input = `${await key.sign({ ...ada, ...changes })}\n`
  const ended = await runProgram(['explain', ...options, ...words], { cwd: folder(), input })
  expect(ended.out + ended.err).not.toContain(input.trim().split('.')[2])
  return ended
}

/** What moves a cursor, breaks a line or turns the direction of writing. */
const unseen = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e]/u

const orders = ['--audience', 'https://orders.example']

describe('dragoman explain', () => {
  it('shows what a good token would be exchanged for, and hides what is labelled', async () => {
    expect(await explain({ team: 'orders' }, ...orders)).toEqual({
      code: 0,
      out: `granted
  ok      verify        source: a trust map that names the issuer: idp
  ok      verify        signature: RS256, PS256, ES256, EdDSA, Ed25519 by a key that the issuer publishes
  ok      verify        claims: form, audience and times as the map says
  ok      map           claimValidationRules[0]: tenant = "acme"
  no      map           rules[0].when.claims.kind (rule robots)
                        wanted  "robot"
                        seen    (not shown: no label makes it public; --reveal shows it)
                        at      idp.yaml:11:25
  ok      map           rules[1].when.claims.kind (rule staff): "person"
  ok      map           rules[1].when.claims.department (rule staff): "sales"

  identity  user
            subject "user:ada"
            groups ["staff"]
            claims.email (pii; --reveal shows it)
            claims.team "orders"

  token     for https://orders.example, 300 seconds
            scope read
            without claims.email
`,
      err: '',
    })
  })

  it('shows why a token would be refused, which rule came nearest and the line to change', async () => {
    const { code, out } = await explain({ department: 'legal' }, ...orders)
    expect(code).toBe(1)
    expect(out).toMatch(/^refused {2}rule\.none_matched\n {2}the rule staff came nearest; it wants claims\.department /)
    expect(out).toMatch(/no {6}map {11}rules\[1\]\.when\.claims\.department \(rule staff\)\n {24}wanted {2}"sales"\n/)
    expect(out).toContain('  nearest the rule staff, by claims.department\n  change  idp.yaml:18:11\n')
    expect(out).toContain('  caller  400 invalid_request: the subject_token is not acceptable by policy\n')
    expect(out).not.toContain('legal')
  })

  it('shows values under --reveal, and that a claim is absent in any case', async () => {
    const revealed = await explain({ department: 'legal' }, ...orders, '--reveal')
    expect(revealed.out).toContain('wanted  "sales"\n                        seen    "legal"\n')
    const granted = await explain({}, ...orders, '--reveal')
    expect(granted.out).toContain('claims.email "ada@acme.example"')
    const { department: _, ...without } = ada
    const input = await key.sign(without)
    const absent = await runProgram(['explain', ...options], { cwd: folder(), input })
    expect(absent.out).toContain('wanted  "sales"\n                        seen    (absent)\n')
  })

  it('prints JSON in which hidden values are marked', async () => {
    const { code, out } = await explain({ department: 'legal' }, ...orders, '-o', 'json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      decision: 'refused',
      reason: 'rule.none_matched',
      issuer: 'https://idp.example',
      map: 'idp',
      nearest: {
        rule: 'staff',
        check: 'rules[1].when.claims.department',
        seen: { redacted: true },
        at: 'idp.yaml:18:11',
      },
      change: { at: ['idp.yaml:18:11'] },
      answer: { status: 400, error: 'invalid_request' },
    })
    expect(out).not.toContain('legal')
    const granted = JSON.parse((await explain({}, ...orders, '-o', 'json')).out)
    expect(granted).toMatchObject({
      decision: 'granted',
      identity: { type: 'user', subject: { value: 'user:ada' }, 'claims.email': { redacted: 'pii' } },
      token: { audience: ['https://orders.example'], scope: ['read'], lifetime: 300, withheld: ['claims.email'] },
    })
  })

  it.each([
    [
      'issuer.unknown',
      { iss: 'https://idp.exmaple' },
      /advice {2}write a trust map for it: .* did you mean `https:\/\/idp\.example`\?/,
    ],
    [
      'credential.audience_mismatch',
      { aud: 'somebody' },
      /wanted {2}aud with one of us, them\n {24}seen {4}"aud somebody"/,
    ],
    ['credential.expired', { exp: seconds - 3_600 }, /seen {4}"exp 2026-12-01T11:00:00\.000Z"/],
    ['credential.not_yet_valid', { nbf: seconds + 3_600 }, /seen {4}"nbf 2026-12-01T13:00:00\.000Z, iat /],
    [
      'credential.confirmation_required',
      { cnf: { jkt: 'x' } },
      /failed {2}verify {8}credential\.confirmation_required/,
    ],
    [
      'map.validation_failed',
      { tenant: 'evil' },
      /failed {2}map {11}claimValidationRules\[0\]\n[\s\S]*change {2}idp\.yaml:8:7/,
    ],
    ['map.value_missing', { groups: 'staff' }, /change {2}idp\.yaml:14:13/],
  ])('explains %s', async (reason, changes, words) => {
    const { code, out } = await explain(changes, ...orders)
    expect(code).toBe(1)
    expect(out).toMatch(new RegExp(`^refused {2}${reason}\\n`))
    expect(out).toMatch(words)
  })

  it('explains a signature of somebody else, and keys that cannot be had', async () => {
    const input = await (await testKey('idp-1')).sign(ada)
    const forged = await runProgram(['explain', ...options], { cwd: folder(), input })
    expect(forged.code).toBe(1)
    expect(forged.out).toMatch(/^refused {2}credential\.signature_invalid\n/)
    expect(forged.out).toMatch(/failed {2}verify {8}signature\n/)
    const words = ['explain', '--trust-maps', '.', '--keys-file', 'nowhere.json', '--at', at]
    const keyless = await runProgram(words, { cwd: folder(), input: await key.sign(ada) })
    expect(keyless.out).toMatch(/^refused {2}keys\.unavailable\n/)
    expect(keyless.err).toContain('warning: a key set could not be loaded')
  })

  it('judges what is asked for, and who asks', async () => {
    expect((await explain({})).out).toMatch(/^refused {2}target\.missing\n[\s\S]*change {2}idp\.yaml:14:13\n/)
    const evil = await explain({}, '--audience', 'https://evil.example')
    expect(evil.out).toMatch(/^refused {2}target\.not_allowed\n/)
    const billing = ['--audience', 'https://billing.example']
    expect((await explain({}, ...billing)).code).toBe(0)
    const edge = await explain({}, ...billing, '--client', 'edge')
    expect(edge.out).toMatch(/^refused {2}target\.not_allowed\n {2}the client does not allow/)
    expect(edge.out).toContain('change  idp.yaml:14:13, idp.yaml:30:19\n')
    const other = await explain({}, ...billing, '--client', 'other')
    expect(other.out).toMatch(/^refused {2}source\.not_allowed\n/)
    const nobody = await explain({}, ...billing, '--client', 'nobody')
    expect(nobody.out).toMatch(/^refused {2}client\.unknown\n/)
  })

  it('finds out of what type the token is, unless that is said', async () => {
    expect((await explain({ scope: 'read' }, ...orders)).code).toBe(0)
    const { code, out } = await explain({ scope: 'read' }, ...orders, '--type', 'id_token')
    expect([code, out]).toEqual([1, expect.stringMatching(/^refused {2}credential\.type_mismatch\n/)])
  })

  it('takes the token from a file, from an argument, or with a scheme before it', async () => {
    const cwd = folder()
    const token = await key.sign(ada)
    writeFileSync(join(cwd, 'token.jwt'), `Bearer ${token}\n`)
    expect((await runProgram(['explain', '@token.jwt', ...options, ...orders], { cwd })).code).toBe(0)
    expect((await runProgram(['explain', token, ...options, ...orders], { cwd })).code).toBe(0)
    expect((await runProgram(['explain', '-', ...options, ...orders], { cwd, input: token })).code).toBe(0)
  })

  it.each([
    [['explain', '@nowhere.jwt'], 1, 'dragoman: there is no such file to read after the @\n'],
    [['explain'], 2, 'dragoman: the token is empty\n'],
    [['explain', 'a.b.c', 'd.e.f'], 2, 'dragoman: explain takes one token; is it broken by white space?\n'],
    [['explain', 'x', '--at', 'yesterday'], 2, /a time is written 2026-12-01T12:00:00Z\.\n$/],
    [['explain', 'x', '--trust-maps', 'nowhere'], 1, /^dragoman: there is no nowhere; /],
  ])('ends %j with %i', async (words, code, message) => {
    const ended = await runProgram(words, { cwd: folder() })
    expect([ended.code, ended.out]).toEqual([code, ''])
    if (typeof message === 'string') expect(ended.err).toBe(message)
    else expect(ended.err).toMatch(message)
  })

  it('says what is wrong with the documents', async () => {
    const cwd = folder()
    writeFileSync(join(cwd, 'more.yaml'), documents.replace('rules:', 'ruels:'))
    const { code, out, err } = await runProgram(['explain', 'x', '--trust-maps', '.'], { cwd })
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(/more\.yaml:\d+:\d+: [\s\S]*\ndragoman: \d+ faults in the documents of \.\n$/)
  })

  it('lets nothing in a token reach the terminal or a shell as a command', async () => {
    const hostile = 'https://x/\u001b[2J\u202e;`reboot`'
    const { code, out, err } = await explain({ iss: hostile, kind: '\u009b31m\u2028' }, '--reveal')
    expect(code).toBe(1)
    expect(out).toContain('dragoman init --issuer URL')
    expect((out + err).replaceAll('\n', '')).not.toMatch(unseen)
    const values = await explain({ kind: '\u001b]0;x\u0007\u009b31m\u2028' }, '--reveal')
    expect(values.out).toContain('seen    "')
    expect(values.out.replaceAll('\n', '')).not.toMatch(unseen)
  })
})
