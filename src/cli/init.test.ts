import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'
import { rehearse } from '../rehearse.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { loadTrust } from '../trust.ts'
import { startDemoWorld } from './demo-world/demo-world.ts'
import { mapText, testText } from './init-documents.ts'
import { guessProfile, profiles } from './init-profiles.ts'

/** An issuer on this machine. */
const issuerThat = async (answers: (issuer: string) => RequestListener): Promise<string> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => server.close().closeAllConnections())
  const address = server.address()
  const issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  server.on('request', answers(issuer))
  return issuer
}

const describing = (members: (issuer: string) => object) =>
  issuerThat((issuer) => (_, response) => void response.end(JSON.stringify(members(issuer))))

describe('dragoman init', () => {
  it('writes a map and a test that pass as they are, and says what to do next', async () => {
    const world = await startDemoWorld(0)
    onTestFinished(() => world.stop())
    const cwd = temporaryFolder()
    const { code, out, err } = await runProgram(['init', '--issuer', world.issuer, '--audience', 'my-app'], { cwd })
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^wrote trust-maps\/local\.yaml and trust-maps\/local_test\.yaml\n/)
    const [, check = '', test = ''] = /\n {5}dragoman (check .*) && dragoman (test .*)\n/.exec(out) ?? []
    expect(await runProgram(check.split(' '), { cwd })).toMatchObject({ code: 0 })
    const tested = await runProgram(test.split(' '), { cwd })
    expect([tested.code, tested.out]).toEqual([0, expect.stringContaining('3 tests, 0 failed; 1 of 1 rule covered')])
    const map = readFileSync(join(cwd, 'trust-maps', 'local.yaml'), 'utf8')
    expect(map.split('\n')[0]).toBe('# yaml-language-server: $schema=../schema/trust-maps.schema.json')
    expect(map.split('\n').length).toBeLessThanOrEqual(20)
    expect(map).toContain(`issuer: ${world.issuer}\n`)
    expect(map).toContain('audiences: [my-app] # decide')
    expect(map).toContain('algorithms: [RS256, ES256]')
    const [, secret = ''] = /\n {5}dragoman (secret .*) > trust-maps\/my-service\.yaml\n/.exec(out) ?? []
    writeFileSync(join(cwd, 'trust-maps', 'my-service.yaml'), (await runProgram(secret.split(' '))).out)
    expect(await runProgram(check.split(' '), { cwd })).toMatchObject({ code: 0 })
  })

  it('never writes over what is there', async () => {
    const world = await startDemoWorld(0)
    onTestFinished(() => world.stop())
    const cwd = temporaryFolder()
    const words = ['init', '--issuer', world.issuer, '--dir', '.', '--name', 'idp']
    writeFileSync(join(cwd, 'idp_test.yaml'), 'mine')
    expect(await runProgram(words, { cwd })).toEqual({
      code: 1,
      out: '',
      err: 'dragoman: idp_test.yaml is there already and stays as it is; choose another --name\n',
    })
    expect(readFileSync(join(cwd, 'idp_test.yaml'), 'utf8')).toBe('mine')
    expect((await runProgram(['init', '--issuer', world.issuer, '--dir', '.', '--name', 'other'], { cwd })).code).toBe(
      0,
    )
    expect((await runProgram(['init', '--issuer', world.issuer, '--dir', '.', '--name', 'other'], { cwd })).code).toBe(
      1,
    )
  })

  it('guesses the product from where its keys lie', async () => {
    const issuer = await describing((self) => ({ issuer: self, jwks_uri: `${self}/protocol/openid-connect/certs` }))
    const cwd = temporaryFolder()
    const { code, out } = await runProgram(['init', '--issuer', issuer], { cwd })
    expect([code, out.split('\n')[0]]).toEqual([
      0,
      'wrote trust-maps/keycloak.yaml and trust-maps/keycloak_test.yaml, by the preset keycloak',
    ])
  })

  it.each([
    [
      'names another issuer',
      () => ({ issuer: 'https://evil.example', jwks_uri: 'https://evil.example/keys' }),
      /names another issuer; give the issuer exactly as its tokens say it in iss\n$/,
    ],
    ['names no keys', (issuer: string) => ({ issuer }), /has no jwks_uri; /],
    [
      'signs with a shared secret',
      (issuer: string) => ({
        issuer,
        jwks_uri: `${issuer}/k`,
        id_token_signing_alg_values_supported: ['HS256', 'none'],
      }),
      /the issuer signs with none of RS256, /,
    ],
  ])('writes nothing for an issuer that %s', async (_, members, message) => {
    const issuer = await describing(members)
    const cwd = temporaryFolder()
    const ended = await runProgram(['init', '--issuer', issuer], { cwd })
    expect([ended.code, ended.out]).toEqual([1, ''])
    expect(ended.err).toMatch(message)
    expect((await runProgram(['check'], { cwd })).err).toContain('there is no trust-maps')
  })

  it('says what to try when there is nothing to read', async () => {
    const missing = await issuerThat(() => (_, response) => void response.writeHead(404).end())
    const notFound = await runProgram(['init', '--issuer', missing], { cwd: temporaryFolder() })
    expect(notFound.err).toMatch(
      /answers with status 404; the issuer is the part before \/\.well-known\/openid-configuration\n$/,
    )
    const inside = await runProgram(['init', '--issuer', 'https://10.0.0.1'], { cwd: temporaryFolder() })
    expect(inside.code).toBe(1)
    expect(inside.err).toMatch(/^dragoman: 10\.0\.0\.1 lies at an address that is not allowed; .*--allow-private\n$/)
    const plain = await runProgram(['init', '--issuer', 'http://idp.example'], { cwd: temporaryFolder() })
    expect([plain.code, plain.err]).toEqual([2, expect.stringContaining('plain http is for this machine only')])
  })
})

describe('the maps that init writes', () => {
  const issuers: Readonly<Record<string, string>> = {
    'entra-v2': 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0',
    google: 'https://accounts.google.com',
    'github-actions': 'https://token.actions.githubusercontent.com',
  }

  it.each(Object.entries(profiles))('pass check and test as they are: %s', async (preset, profile) => {
    const draft = {
      name: 'it',
      issuer: issuers[preset] ?? 'https://idp.example/realms/staff',
      audience: 'https://dragoman.example, "quoted" # no comment',
      profile,
      algorithms: ['ES384'],
      allowHost: 'idp.example:8443',
      schema: '../schema/trust-maps.schema.json',
    }
    const files = [
      { name: 'it.yaml', text: mapText(draft) },
      { name: 'it_test.yaml', text: testText(draft) },
    ]
    const digest = createNodeDigest()
    const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
    expect(faults).toEqual([])
    if (trust === undefined) throw new Error('not loaded')
    const { tests, coverage } = await rehearse(trust, digest)
    expect(tests.flatMap(({ differences }) => differences)).toEqual([])
    expect(coverage.map((rule) => rule.tests)).toEqual([1])
  })

  it.each([
    ['https://token.actions.githubusercontent.com', '', 'github-actions'],
    ['https://accounts.google.com', '', 'google'],
    ['https://login.microsoftonline.com/72f988bf/v2.0', '', 'entra-v2'],
    ['https://login.microsoftonline.com/common/oauth2', '', 'generic'],
    ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x', '', 'cognito'],
    ['https://acme.eu.auth0.com/', '', 'auth0'],
    ['https://acme.okta.com/oauth2/default', '', 'okta'],
    ['https://gitlab.com', '', 'gitlab-ci'],
    ['https://git.acme.example', 'https://git.acme.example/oauth/discovery/keys', 'gitlab-ci'],
    [
      'https://sso.acme.example/realms/x',
      'https://sso.acme.example/realms/x/protocol/openid-connect/certs',
      'keycloak',
    ],
    ['https://k8s.acme.example', 'https://k8s.acme.example/openid/v1/jwks', 'kubernetes'],
    ['https://evilauth0.com', '', 'generic'],
    ['https://auth0.com.evil.example', 'not a url', 'generic'],
  ])('%s with keys at %j is %s', (issuer, keys, preset) => {
    expect(guessProfile(issuer, keys)).toBe(preset)
  })
})
