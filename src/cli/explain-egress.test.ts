import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'
import { testKey } from '../../test/world/signing.ts'

const us = 'https://dragoman.example.com'
const orders = 'https://orders.internal.example'
const document = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'dragoman/v1alpha1', kind, metadata: { name }, spec })

const world = async () => {
  const folder = temporaryFolder()
  const key = await testKey('ours')
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const keys = write('ours.json', JSON.stringify({ keys: [key.publicJwk] }))
  const grant = { audiences: [orders], ttl: '5m' }
  write(
    'map.yaml',
    document('TrustMap', 'inside', {
      source: { canonical: { audiences: [orders] } },
      rules: [{ name: 'bearers', identity: 'same', grant }],
    }),
  )
  write(
    'egress.yaml',
    document('Gateway', 'egress', {
      direction: 'egress',
      dialect: 'json',
      authenticate: { secretHeader: { name: 'x-gateway', secrets: [{ env: 'NOT_THERE' }] } },
    }),
  )
  write(
    'stripe.yaml',
    document('Partner', 'stripe', {
      destinations: { hosts: ['api.stripe.com'] },
      allow: [{ groups: ['payments'] }, { subjects: ['user:root'] }],
      credential: { type: 'api-key', value: { keyRef: 'vault://secret/stripe#key' } },
    }),
  )
  const now = Math.floor(Date.now() / 1_000)
  const token = async (groups: readonly string[]) =>
    write(
      'token.jwt',
      await key.sign(
        {
          iss: us,
          sub: 'user:ada',
          aud: orders,
          client_id: 'edge',
          iat: now,
          exp: now + 300,
          jti: 'j1',
          txn: 't1',
          identity_type: 'user',
          groups,
          map: 'm',
          rule: 'r',
          map_version: 'v',
        },
        { typ: 'at+jwt' },
      ),
    )
  const explain = (file: string, url: string, ...more: readonly string[]) => {
    const place = ['--trust-maps', folder, '--issuer', us, '--keys-file', keys]
    return runProgram(['explain', 'egress', '--token', `@${file}`, '--url', url, ...place, ...more])
  }
  return { folder, token, explain }
}

describe('explain egress', () => {
  it('shows what would be presented, obtains nothing and needs no secret', async () => {
    const { token, explain } = await world()
    const { code, out, err } = await explain(await token(['payments']), 'https://api.stripe.com/v1/charges')
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('stripe: api-key')
    expect(out).toContain('sets authorization')
    expect(out).toMatch(/removes cookie, .*x-forwarded-client-cert.*, forwarded/)
    expect(out).toContain('"user:ada"')
  })

  it('says which entry of allow did not hold, and where it stands', async () => {
    const { token, explain } = await world()
    const { code, out } = await explain(await token(['other']), 'https://api.stripe.com/v1', '-o', 'json')
    expect(code).toBe(1)
    const said = JSON.parse(out) as {
      reason: string
      checks: readonly { check: string; ok: boolean; at?: string }[]
      change: { at: readonly string[] }
    }
    expect(said.reason).toBe('partner.not_allowed')
    expect(said.change.at).toEqual([expect.stringMatching(/stripe\.yaml:1:\d+$/)])
    const allowed = said.checks.filter(({ check }) => check.startsWith('allow'))
    expect(allowed.map(({ check, ok }) => [check, ok])).toEqual([
      ['allow[0]', false],
      ['allow[1]', false],
    ])
    expect(allowed[0]?.at).toMatch(/stripe\.yaml:1:\d+$/)
  })

  it.each([
    ['https://api.stripe.com.evil.invalid/', 'destination.unknown'],
    ['http://api.stripe.com/', 'destination.cleartext'],
    ['https://api.stripe.com:8443/', 'destination.unknown'],
  ])('says why %s is refused', async (url, reason) => {
    const { token, explain } = await world()
    const { code, out } = await explain(await token(['payments']), url)
    expect([code, out.includes(reason)]).toEqual([1, true])
  })
})

describe('a URL that is read in more than one way', () => {
  it.each([
    ['https://api.stripe.com/v1/../v2', 'the path has a dot segment'],
    ['https://api.stripe.com\\@evil.invalid/', 'url is not an absolute http(s) URL'],
    ['api.stripe.com', 'url is not an absolute http(s) URL'],
  ])('%s is not explained as another', async (url, fault) => {
    const { token, explain } = await world()
    const { code, err } = await explain(await token(['payments']), url)
    expect([code, err.includes(fault)]).toEqual([2, true])
  })
})

describe('trace', () => {
  const events = [
    {
      type: 'audit',
      time: '2026-06-01T00:00:00Z',
      decision: 'granted',
      txn: 't1',
      jti: 'j1',
      subject: 'user:ada',
      client: 'edge',
      audience: [orders],
    },
    {
      type: 'audit',
      time: '2026-06-01T00:00:01Z',
      decision: 'granted',
      txn: 't1',
      subject_token_jti: 'j1',
      subject: { redacted: 'pii' },
      client: 'egress',
      partner: 'stripe',
      credential_id: 'c1',
      egress: { method: 'GET', host: 'api.stripe.com' },
    },
    {
      type: 'audit',
      time: '2026-06-01T00:00:02Z',
      decision: 'refused',
      reason: 'rule.none_matched',
      txn: 't2',
      subject: 'user:bob\u001b[31m',
    },
  ]

  it.each([['t1'], ['j1'], ['c1']])('finds by %s whose call of a partner it was', async (id) => {
    const file = join(temporaryFolder(), 'audit.jsonl')
    writeFileSync(file, ['dragoman: listening', ...events.map((event) => JSON.stringify(event)), '{broken'].join('\n'))
    const { code, out } = await runProgram(['trace', id, '--audit', file])
    expect(code).toBe(0)
    expect(out.trim().split('\n')).toEqual([
      `2026-06-01T00:00:00Z  granted  user:ada  through edge:  token for ${orders}  txn t1`,
      '2026-06-01T00:00:01Z  granted  (pii)  through egress:  credential c1 of stripe for api.stripe.com  txn t1',
    ])
  })

  it('says that there is nothing, and lets no event reach the terminal as a command', async () => {
    const file = join(temporaryFolder(), 'audit.jsonl')
    writeFileSync(file, events.map((event) => JSON.stringify(event)).join('\n'))
    expect(await runProgram(['trace', 't3', '--audit', file])).toMatchObject({ code: 1, out: '' })
    const { out } = await runProgram(['trace', 't2', '--audit', file])
    expect(out).toContain('refused (rule.none_matched)')
    expect(out).not.toContain('\u001b')
    expect(await runProgram(['trace', 't3', '--audit', `${file}.not`])).toMatchObject({ code: 1 })
  })
})
