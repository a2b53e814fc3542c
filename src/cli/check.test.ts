import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, shippedTrustMaps, temporaryFolder } from '../../test/world/program.ts'

const map = (name: string, changes: Readonly<Record<string, string>> = {}) => {
  const text = `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: ${name} }
spec:
  source:
    oidc: { issuer: https://${name}.example, audiences: [us] }
  rules:
    - name: all
      when: { claims: { sub: ada } }
      identity: { type: user, subject: { claim: sub } }
      grant: { audiences: [https://orders.example] }
`
  return Object.entries(changes).reduce((all, [from, to]) => all.replace(from, to), text)
}

/** A folder with these files, to run the program in. */
const folderWith = (files: Readonly<Record<string, string>>): string => {
  const folder = temporaryFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

describe('dragoman check', () => {
  it('finds no fault in the documents that come with dragoman', async () => {
    expect(await runProgram(['check', 'trust-maps'])).toEqual({
      code: 0,
      out: '',
      err: 'trust-maps: no faults (2 trust maps, 1 client, 1 test suite)\n',
    })
  })

  it('shows every fault of every document at once, each with its line and what to write', async () => {
    const cwd = folderWith({
      'a.yaml': map('a', { 'rules:': 'ruels:' }),
      'b.yaml': map('b', { 'claim: sub': 'expression: "claimz.sub"', 'type: user': 'type: robot' }),
    })
    const { code, out, err } = await runProgram(['check', '.'], { cwd })
    expect([code, err]).toEqual([3, ''])
    expect(out).toMatch(/^a\.yaml:7:3: .*\n {4}7 \| {3}ruels:\n {6}\| {3}\^\n {2}fix: did you mean `rules`\?$/m)
    expect(out).toMatch(/^b\.yaml:10:25: spec\.rules\[0\]\.identity\.type: /m)
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^\d faults in 2 files$/)
  })

  it('puts the caret under the character of an expression', async () => {
    const cwd = folderWith({ 'b.yaml': map('b', { 'claim: sub': 'expression: "\'x\' + claimz.sub"' }) })
    const { code, out } = await runProgram(['check', '.'], { cwd })
    expect(code).toBe(3)
    const [head = '', source = '', caret = ''] = out.split('\n')
    expect(head).toMatch(/^b\.yaml:10:\d+: /)
    expect(source.slice(caret.indexOf('^'))).toMatch(/^claimz/)
  })

  it('warns of what works and is weak', async () => {
    const gateway = `apiVersion: dragoman/v1alpha1
kind: Gateway
metadata: { name: edge }
spec: { authenticate: { network: [10.0.0.5] }, certificateFrom: nginx }
`
    const cwd = folderWith({ 'a.yaml': map('a'), 'edge.yaml': gateway })
    const { code, out, err } = await runProgram(['check', '.'], { cwd })
    expect([code, err]).toEqual([0, '.: no faults (1 trust map, 0 clients, 0 test suites)\n'])
    expect(out).toMatch(
      /^edge\.yaml:4:34: spec\.authenticate\.network: weak: whoever can send from these addresses is the gateway$/m,
    )
    expect((await runProgram(['check', '.', '-o', 'github'], { cwd })).out).toBe(
      '::warning file=edge.yaml,line=4,col=34,title=dragoman check::spec.authenticate.network: whoever can send from these addresses is the gateway: fix: mtls or secretHeader, unless nobody else can\n',
    )
    expect(JSON.parse((await runProgram(['check', '.', '-o', 'json'], { cwd })).out)).toMatchObject({
      faults: [],
      warnings: [{ path: 'spec.authenticate.network' }],
    })
  })

  it('prints faults as JSON', async () => {
    const cwd = folderWith({ 'a.yaml': map('a', { 'audiences: [us]': 'audiences: us' }) })
    const { code, out } = await runProgram(['check', '.', '-o', 'json'], { cwd })
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({
      files: ['a.yaml'],
      faults: [{ location: { file: 'a.yaml', line: 6 }, path: 'spec.source.oidc.audiences' }],
    })
  })

  it('prints faults as workflow commands, which no text can break out of', async () => {
    const cwd = folderWith({ 'a,b.yaml': map('a', { 'type: user': '"100%\\n::stop": x, type: user' }) })
    const { code, out } = await runProgram(['check', '.', '-o', 'github'], { cwd })
    expect(code).toBe(3)
    expect(out.trimEnd().split('\n')).toHaveLength(1)
    expect(out).toMatch(/^::error file=a%2Cb\.yaml,line=10,col=\d+,title=dragoman check::/)
    expect(out).toContain('100%25')
  })

  it('prints nothing as workflow commands when there is nothing', async () => {
    const { code, out } = await runProgram(['check', '.', '-o', 'github'], { cwd: folderWith({ 'a.yaml': map('a') }) })
    expect([code, out]).toEqual([0, ''])
  })

  it('judges one file among the others of its folder', async () => {
    const cwd = folderWith({ 'a.yaml': map('a', { 'rules:': 'ruels:' }), 'b.yaml': map('b') })
    expect((await runProgram(['check', 'b.yaml'], { cwd })).code).toBe(0)
    const { code, out } = await runProgram(['check', 'a.yaml'], { cwd })
    expect([code, out.includes('b.yaml')]).toEqual([3, false])
    const twins = folderWith({ 'a.yaml': map('a'), 'b.yaml': map('a') })
    expect((await runProgram(['check', 'b.yaml'], { cwd: twins })).out).toContain('another TrustMap has this name')
  })

  it('permits plain http to this machine only where it is asked to', async () => {
    const cwd = folderWith({ 'a.yaml': map('a', { 'https://a.example': 'http://localhost:1234' }) })
    const strict = await runProgram(['check', '.'], { cwd })
    expect(strict.code).toBe(3)
    expect(strict.out).toContain('http://localhost:1234 is not https')
    expect((await runProgram(['check', '.', '--insecure-loopback'], { cwd })).code).toBe(0)
    const elsewhere = folderWith({ 'a.yaml': map('a', { 'https://a.example': 'http://idp.example' }) })
    expect((await runProgram(['check', '.', '--insecure-loopback'], { cwd: elsewhere })).code).toBe(3)
  })

  it('takes the folder from the environment; one that is named wins', async () => {
    const cwd = folderWith({ 'a.yaml': map('a', { 'rules:': 'ruels:' }) })
    const env = { DRAGOMAN_TRUST_MAPS: cwd }
    expect((await runProgram(['check'], { env })).code).toBe(3)
    expect((await runProgram(['check', shippedTrustMaps], { env })).code).toBe(0)
  })

  it('says when there is nothing to check', async () => {
    const cwd = temporaryFolder()
    expect(await runProgram(['check'], { cwd })).toEqual({
      code: 1,
      out: '',
      err: 'dragoman: there is no trust-maps; name a folder with documents, or one of them\n',
    })
    expect(await runProgram(['check', '.'], { cwd })).toEqual({
      code: 1,
      out: '',
      err: 'dragoman: there are no documents in .; write one: dragoman init --issuer URL\n',
    })
  })
})
