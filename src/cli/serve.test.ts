import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type ProgramOptions,
  runProgram,
  shippedTrustMaps,
  startProgram,
  temporaryFolder,
} from '../../test/world/program.ts'
import { newStoredKey } from '../mint/stored-key.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { writeKey } from '../runtimes/node/key-folder.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'

/** A folder to run in, with a signing key and one trust map. */
const home = async (): Promise<string> => {
  const cwd = temporaryFolder()
  mkdirSync(join(cwd, 'trust-maps'))
  writeFileSync(
    join(cwd, 'trust-maps', 'idp.yaml'),
    `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: idp }
spec:
  source: { oidc: { issuer: https://idp.example, audiences: [us], jwksFile: jwks.json } }
  rules:
    - name: all
      identity: { type: user, subject: { claim: sub } }
      grant: { audiences: [https://orders.example] }
`,
  )
  writeFileSync(join(cwd, 'trust-maps', 'jwks.json'), '{"keys":[]}')
  const ports = { signatures: createNodeSignatures(), digest: createNodeDigest() }
  await writeKey(join(cwd, 'keys'), { ...(await newStoredKey('ES256', 0, ports)), activeFrom: 0 })
  return cwd
}

const issuer = 'https://dragoman.example'

const started = async (words: readonly string[], options: ProgramOptions) => {
  const program = startProgram(['serve', ...words], options)
  const [line = '', url = '', adminUrl = ''] = await program.said(/dragoman: listening on (\S+) .* admin (\S+)\)\n/)
  return { ...program, line, url, adminUrl }
}

describe('dragoman serve', () => {
  it('serves, says so on one line, and stops when it is asked to', async () => {
    const program = await started(['--issuer', issuer, '--port', '0'], { cwd: await home() })
    expect(program.line).toMatch(
      /^dragoman: listening on http:\/\/127\.0\.0\.1:\d+ \(issuer https:\/\/dragoman\.example, 1 trust map, 0 clients, admin http:\/\/127\.0\.0\.1:\d+\)\n$/,
    )
    const metadata = await (await fetch(`${program.url}/.well-known/oauth-authorization-server`)).json()
    expect(metadata).toMatchObject({ issuer, token_endpoint: `${issuer}/token` })
    expect((await fetch(`${program.adminUrl}/readyz`)).status).toBe(200)
    const metrics = await fetch(`${program.adminUrl}/metrics`)
    expect([metrics.status, metrics.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/plain; version=0.0.4'),
    ])
    expect(await metrics.text()).toContain('# TYPE dragoman_partner_calls_total counter')
    expect((await fetch(`${program.url}/metrics`)).status).toBe(404)
    const refused = await fetch(`${program.url}/token`, { method: 'POST' })
    expect(refused.status).toBe(400)
    await program.said(/"type":"audit".*"reason":"request.media_type"/)
    expect(await program.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(program.out().trim().split('\n')).toHaveLength(1)
  })

  it('takes every option from the environment; a flag wins', async () => {
    const cwd = await home()
    const env = {
      DRAGOMAN_ISSUER: 'https://from-the-environment.example',
      DRAGOMAN_TRUST_MAPS: join(cwd, 'trust-maps'),
      DRAGOMAN_KEYS: join(cwd, 'keys'),
      DRAGOMAN_HOST: 'localhost',
      DRAGOMAN_PORT: '0',
      DRAGOMAN_ADMIN_HOST: 'localhost',
      DRAGOMAN_ADMIN_PORT: '0',
      DRAGOMAN_STATE: ':memory:',
      DRAGOMAN_AUDIT: join(cwd, 'audit.jsonl'),
    }
    const program = await started([], { env })
    expect(program.line).toMatch(/http:\/\/localhost:\d+ \(issuer https:\/\/from-the-environment\.example, 1 trust map/)
    expect((await fetch(`${program.url}/token`, { method: 'POST' })).status).toBe(400)
    await program.stop()
    expect(readFileSync(env.DRAGOMAN_AUDIT, 'utf8')).toContain('"reason":"request.media_type"')
    const flagged = await started(['--issuer', issuer], { env })
    expect(flagged.line).toContain(`issuer ${issuer}`)
  })

  it('leaves the demo documents out, and has no demo world to reach', async () => {
    const coverage = temporaryFolder()
    const words = ['--issuer', issuer, '--port', '0', '--trust-maps', shippedTrustMaps]
    const program = await started(words, { cwd: await home(), env: { NODE_V8_COVERAGE: coverage } })
    expect(program.line).toContain('0 trust maps, 0 clients')
    await program.said(/TrustMap demo-people \(demo\.yaml\) belongs to the demo world and is left out/)
    await program.stop()
    const loaded = readdirSync(coverage).map((name) => readFileSync(join(coverage, name), 'utf8'))
    expect(loaded.join('')).toContain('src/cli/serve.ts')
    expect(loaded.join('')).not.toContain('demo-world')
  })

  it('a second signal ends it at once', async () => {
    const program = await started(['--issuer', issuer, '--port', '0'], { cwd: await home() })
    // A request that is not sent to its end is in flight, so that the first signal waits for it.
    const controller = new AbortController()
    const body = new ReadableStream({ pull: () => new Promise(() => undefined) })
    const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit
    const held = fetch(`${program.url}/token`, {
      ...init,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    held.catch(() => undefined)
    onTestFinished(() => controller.abort())
    await new Promise((resolve) => setTimeout(resolve, 300))
    const first = program.stop('SIGTERM')
    await program.said(/dragoman: stopping; a second signal ends it at once/)
    expect(await program.stop('SIGINT')).toEqual({ code: 130, signal: null })
    await first
  })

  it.each([
    [[], 2, /^dragoman: our issuer has no name yet; give --issuer https:\/\/… or set DRAGOMAN_ISSUER\n$/],
    [['--issuer', 'http://dragoman.example'], 2, /an issuer is an https URL; plain http is for this machine only\.\n$/],
    [['--issuer', 'https://dragoman.example?x'], 2, /without query, fragment and user information\.\n$/],
    [['--issuer', 'dragoman.example'], 2, /an issuer is an absolute URL/],
    [
      ['--issuer', issuer, '--keys', 'none'],
      1,
      /^dragoman: no signing key in none; make one: dragoman keys generate --keys none\n$/,
    ],
    [
      ['--issuer', issuer, '--trust-maps', 'none'],
      1,
      /^dragoman: the folder none cannot be read; name the one with your trust maps\n$/,
    ],
  ])('ends %j with %i and what to do', async (words, code, message) => {
    const ended = await runProgram(['serve', '--port', '0', ...words], { cwd: await home() })
    expect([ended.code, ended.out]).toEqual([code, ''])
    expect(ended.err).toMatch(message)
  })

  it('does not start over documents with faults, and shows all of them', async () => {
    const cwd = await home()
    writeFileSync(join(cwd, 'trust-maps', 'other.yaml'), 'apiVersion: dragoman/v1alpha1\nkind: TrustMapp\n')
    const { code, err } = await runProgram(['serve', '--issuer', issuer, '--port', '0'], { cwd })
    expect(code).toBe(3)
    expect(err).toMatch(/^trust-maps\/other\.yaml:2:7: kind: [\s\S]*\n {4}2 \| kind: TrustMapp\n {6}\| {7}\^\n/m)
    expect(err).toMatch(/\ndragoman: \d faults in the documents of trust-maps\n$/)
  })

  it('says when a port is in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const ended = await runProgram(['serve', '--issuer', issuer, '--port', String(port), '--admin-port', '0'], {
      cwd: await home(),
    })
    expect(ended.code).toBe(1)
    expect(ended.err).toBe(
      `dragoman: cannot listen on 127.0.0.1:${port}: EADDRINUSE; choose other ports: --port N, --admin-port N (0: any free one)\n`,
    )
  })

  it.each([
    [['--vault-role', 'dragoman'], '--vault-address is missing'],
    [['--vault-address', 'vault'], '--vault-address is no URL'],
    [['--vault-address', 'https://vault.example'], 'needs exactly one of --vault-token-file and --vault-role'],
    [
      ['--vault-address', 'https://vault.example', '--vault-token-file', 't', '--vault-role', 'r'],
      'needs exactly one of --vault-token-file and --vault-role',
    ],
  ])('is told in one way how to reach Vault: %j', async (words, message) => {
    const { code, err } = await runProgram(['serve', '--issuer', issuer, '--port', '0', ...words], {
      cwd: await home(),
    })
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })
})
