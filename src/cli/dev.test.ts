import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProgram, startProgram, temporaryFolder } from '../../test/world/program.ts'

const anyPorts = ['--port', '0', '--demo-port', '0']

/** Starts `dragoman dev` on free ports, with a key folder of its own. */
const started = async () => {
  const keys = join(temporaryFolder(), 'keys')
  const program = startProgram(['dev', ...anyPorts, '--keys', keys])
  await program.said(/Stop with Ctrl-C/)
  const [, url = ''] = await program.said(/dragoman runs at (\S+),/)
  const [, demo = ''] = await program.said(/a demo issuer at (\S+) /)
  return { ...program, url, demo, keys }
}

type Dev = Awaited<ReturnType<typeof started>>

/** Does what the curl on the terminal does: its URLs, client and parameters, taken from there. */
const pasted = async ({ out }: Dev, command: number) => {
  const text = out().split('  curl -s -u ')[command] ?? ''
  const [, id = '', secret = '', url = ''] = /^(\S+):(\S+) (\S+) /.exec(text) ?? []
  const [, tokenUrl = ''] = /-d subject_token="\$\(curl -s '([^']+)'\)"/.exec(text) ?? []
  const parameters = [...text.matchAll(/-d ((?!subject_token=)[a-z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  const token = (await (await fetch(tokenUrl)).text()).trim()
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams([
      ...parameters.map(([name = '', value = '']): [string, string] => [name, value]),
      ['subject_token', token],
    ]),
  })
  return { status: response.status, token, body: (await response.json()) as Record<string, string> }
}

describe('dragoman dev', () => {
  it('makes a first exchange, and prints a command that makes another', async () => {
    const dev = await started()
    const [, claims = '{}'] = /\n {2}\}\n( {2}\{\n[\s\S]*?\n {2}\})\n/.exec(dev.out()) ?? []
    const shown = JSON.parse(claims) as Record<string, unknown>
    expect(shown).toMatchObject({
      iss: dev.url,
      sub: 'user:alice',
      aud: 'https://orders.demo.example',
      client_id: 'demo-client',
      scope: 'orders:read orders:write',
      groups: ['engineering', 'order-desk'],
      map: 'demo-people',
      rule: 'employees',
    })
    expect(shown).not.toHaveProperty('email')
    const again = await pasted(dev, 1)
    expect(again.status).toBe(200)
    expect(decodeJwt(again.body['access_token'] ?? '')).toMatchObject({ sub: 'user:alice', iss: dev.url })
    await dev.said(/granted {2}user:alice for https:\/\/orders\.demo\.example by demo-people\/employees {2}request /)
    expect(await dev.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  })

  it('explains a refused exchange at once, without the token', async () => {
    const dev = await started()
    const { status, token, body } = await pasted(dev, 2)
    expect([status, body['error']]).toEqual([400, 'invalid_request'])
    const [, requestId] = /\(request ([^)]+)\)/.exec(body['error_description'] ?? '') ?? []
    await dev.said(/caller {2}400 invalid_request/)
    const said = dev.err()
    expect(said).toContain(`refused  rule.none_matched  request ${requestId}\n`)
    expect(said).toContain('the rule deployers came nearest; it wants claims.ref to be "refs/heads/main"')
    expect(said).toMatch(
      /when\.claims\.ref \(rule deployers\)\n +wanted {2}"refs\/heads\/main"\n +seen {4}"refs\/heads\/topic"\n/,
    )
    const [, line = '0'] = /\n {2}change {2}\S*trust-maps\/demo\.yaml:(\d+):\d+\n/.exec(said) ?? []
    expect(readFileSync('trust-maps/demo.yaml', 'utf8').split('\n')[Number(line) - 1]).toContain('ref: refs/heads/main')
    for (const part of token.split('.')) expect(dev.out() + said).not.toContain(part)
  })

  it('hides in its explanations what the documents label', async () => {
    const dev = await started()
    const response = await fetch(`${dev.url}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('demo-client:wrong-secret-canary')}` },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: 'x',
        subject_token_type: 'y',
      }),
    })
    expect(response.status).toBe(401)
    await dev.said(/refused {2}client\.credential_invalid/)
    expect(dev.out() + dev.err()).not.toMatch(/wrong-secret-canary|alice@acme\.example/)
  })

  it('without the demo world knows only the documents of the folder', async () => {
    const folder = temporaryFolder()
    const program = startProgram([
      'dev',
      '--no-demo',
      '--port',
      '0',
      '--keys',
      join(folder, 'keys'),
      '--trust-maps',
      'trust-maps',
    ])
    await program.said(/dragoman: listening on \S+ \(issuer \S+, 0 trust maps, 0 clients, /)
    expect(program.out()).toBe('')
    expect(await program.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })

  it('has its demo documents beside those of another folder', async () => {
    const folder = temporaryFolder()
    writeFileSync(
      join(folder, 'demo.yaml'),
      `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: mine }
spec:
  source: { oidc: { issuer: http://127.0.0.1:9, audiences: [us] } }
  rules:
    - name: all
      identity: { type: user, subject: { claim: sub } }
      grant: { audiences: [https://orders.example] }
`,
    )
    const program = startProgram(['dev', ...anyPorts, '--keys', join(folder, 'keys'), '--trust-maps', folder])
    await program.said(/3 trust maps, 1 client/)
    await program.said(/"sub": "user:alice"/)
  })

  it.each([
    [
      ['--host', '0.0.0.0'],
      /^dragoman: the demo world is for this machine only; leave out --host 0\.0\.0\.0, or add --no-demo\n$/,
    ],
    [['--issuer', 'https://dragoman.example'], /^dragoman: the demo world does not speak under a public issuer; /],
  ])('keeps the demo world to this machine: %j', async (words, message) => {
    const ended = await runProgram(['dev', ...anyPorts, ...words])
    expect([ended.code, ended.out]).toEqual([2, ''])
    expect(ended.err).toMatch(message)
  })

  it('says which ports to choose when one is in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const address = other.address()
    const port = String(typeof address === 'object' && address !== null ? address.port : 0)
    const demo = await runProgram(['dev', '--demo-port', port, '--port', '0'])
    expect([demo.code, demo.err]).toEqual([
      1,
      `dragoman: port ${port} for the demo issuer is in use; choose others: --demo-port N --port N (0: any free one)\n`,
    ])
    const keys = join(temporaryFolder(), 'keys')
    const ours = await runProgram(['dev', '--demo-port', '0', '--port', port, '--keys', keys])
    expect(ours.code).toBe(1)
    expect(ours.err).toContain('choose other ports: --port N, --admin-port N (0: any free one)')
  })
})
