import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram, shippedTrustMaps, temporaryFolder } from '../../test/world/program.ts'

/** The source files that a run of the program has loaded. */
const loadedBy = async (words: readonly string[]): Promise<readonly string[]> => {
  const folder = temporaryFolder()
  const ended = await runProgram(words, { env: { NODE_V8_COVERAGE: folder } })
  expect(ended.code).toBe(0)
  const reports = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  const urls = reports.flatMap((text) =>
    (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
  )
  return urls.filter((url) => url.includes('/src/')).map((url) => url.slice(url.indexOf('/src/') + 1))
}

describe('dragoman', () => {
  it('shows its commands, examples and exit codes', async () => {
    const { code, out, err } = await runProgram(['--help'])
    expect([code, err]).toEqual([0, ''])
    for (const name of ['dev', 'init', 'check', 'test', 'explain', 'serve', 'keys', 'secret', 'doctor', 'schema'])
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
    expect(out).toContain('Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 faults')
    expect(out).toContain('dragoman init --issuer https://idp.example.com')
  })

  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await runProgram(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  it('without a command shows its help as an error', async () => {
    const { code, out, err } = await runProgram([])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('Usage: dragoman')
  })

  it.each([
    [['chek'], "dragoman: unknown command 'chek'\n(Did you mean check?)\n"],
    [['check', '--outptu', 'json'], "dragoman: unknown option '--outptu'\n(Did you mean --output?)\n"],
    [['keys', 'rotat'], "dragoman: unknown command 'rotat'\n(Did you mean rotate?)\n"],
    [['schema', 'more'], /^dragoman: too many arguments for 'schema'/],
    [['check', '-o', 'xml'], /^dragoman: .*'xml' is invalid. Allowed choices are pretty, json, github\.\n$/],
    [['serve', '--port', '70000'], /^dragoman: .*a port is a number from 0 to 65535; 0 is any free one\.\n$/],
    [['init'], /^dragoman: name whom to believe: --issuer URL, --metadata URL or FILE, or --ca FILE\n$/],
  ])('refuses %j with what was meant', async (words, message) => {
    const { code, out, err } = await runProgram(words)
    expect([code, out]).toEqual([2, ''])
    if (typeof message === 'string') expect(err).toBe(message)
    else expect(err).toMatch(message)
  })

  it('every command has help with examples', async () => {
    const names = ['dev', 'init', 'check', 'test', 'explain', 'serve', 'secret', 'schema']
    const helps = await Promise.all(names.map((name) => runProgram([name, '--help'])))
    for (const [index, { code, out }] of helps.entries()) {
      expect(code).toBe(0)
      expect(out).toContain(`Usage: dragoman ${names[index]}`)
      expect(out).toMatch(/\nExamples:\n {2}dragoman /)
    }
  })

  it('shows help under `help COMMAND` too', async () => {
    const { code, out } = await runProgram(['help', 'serve'])
    expect(code).toBe(0)
    expect(out).toContain('--trust-maps <folder>')
    expect(out).toContain('env: DRAGOMAN_TRUST_MAPS')
  })

  it('loads no more than the command needs', async () => {
    const keys = join(temporaryFolder(), 'keys')
    mkdirSync(keys, { mode: 0o700 })
    const loaded = await loadedBy(['keys', 'list', '--keys', keys])
    expect(loaded).toContain('src/cli/keys.ts')
    expect(loaded.filter((file) => /runtimes\/node\/server|src\/trust|cli\/(serve|dev|explain)/.test(file))).toEqual([])
    const checking = await loadedBy(['check', shippedTrustMaps])
    expect(checking.filter((file) => /demo-world|runtimes\/node\/server/.test(file))).toEqual([])
  })

  it('colours only where that is wanted', async () => {
    const words = ['test', shippedTrustMaps]
    const escapes = (text: string) => text.includes('\u001b[')
    expect(escapes((await runProgram(words)).out)).toBe(false)
    expect(escapes((await runProgram(words, { env: { FORCE_COLOR: '1' } })).out)).toBe(true)
    expect(escapes((await runProgram(words, { env: { NO_COLOR: '1' } })).out)).toBe(false)
  })
})
