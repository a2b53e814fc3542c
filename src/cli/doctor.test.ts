import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { testAuthority } from '../../test/world/certificates.ts'
import { runProgram, startProgram, temporaryFolder } from '../../test/world/program.ts'
import { acceptedToken, type Habit, type SmallGateway, startSmallGateway } from '../../test/world/small-gateway.ts'

const withToken = ['--token-env', 'TOKEN']

interface Examined {
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** The lines of the report for each probe that is not as it should be. */
  readonly faults: readonly string[]
}

/** Points the gateway to the doctor's echo service, and lets the doctor finish. */
const examined = async (
  gateway: SmallGateway,
  words: readonly string[] = withToken,
  cwd?: string,
): Promise<Examined> => {
  const run = ['doctor', 'gateway', gateway.url, '--upstream-port', '0', ...words]
  const program = startProgram(run, { env: { TOKEN: acceptedToken }, ...(cwd === undefined ? {} : { cwd }) })
  const [, port] = await program.said(/the echo service listens on 127\.0\.0\.1:(\d+); let a route of the gateway/)
  gateway.leadTo(Number(port))
  const code = await program.ended
  const [out, err] = [program.out(), program.err()]
  expect(`${out}${err}`).not.toContain(acceptedToken)
  expect(`${out}${err}`).not.toMatch(/eyJ|[0-9a-f]{24}/)
  const faults = out.split('\n').filter((line) => /^ {2}(leaked|wrong|inconclusive) /.test(line))
  return { code, out, err, faults: faults.map((line) => line.trim().replaceAll(/ {2,}/g, ' | ')) }
}

const examinedWith = async (...habits: readonly Habit[]) => examined(await startSmallGateway(habits))

it('finds nothing at a gateway that does as it should', async () => {
  const gateway = await startSmallGateway()
  const { code, out, err } = await examined(gateway)
  expect(out).toBe(`${gateway.url}
  ok            identity             reached the service: Authorization, X-Dragoman-Subject, X-Dragoman-Client, X-Dragoman-Rule, X-Dragoman-Tenant, X-Dragoman-Txn
  ok            answer               nothing of it is in the answer to the client
  refused       missing-token        turned away with: 401
  refused       forged-token         turned away with: 401
  refused       tampered-token       turned away with: 401
  refused       two-tokens           turned away with: 401
  refused       oversized-token      turned away with: 401, 431
  ok            client-token         nothing of it reached the service
  ok            spoofed-identity     nothing of it reached the service
  ok            spoofed-twice        nothing of it reached the service
  ok            spoofed-other-case   nothing of it reached the service
  ok            spoofed-underscores  nothing of it reached the service
  ok            spoofed-odd-names    nothing of it reached the service
  refused       spoofed-odd-lines    turned away with: 400
  ok            connection-header    made no difference
  ok            certificate-headers  nothing of it reached the service
  ok            cookie               nothing of it reached the service
  ok            original-request     made no difference
  refused       paths                turned away with: 403
  refused       preflight            turned away with: 401
  refused       not-a-preflight      turned away with: 401

0 leaked, 0 wrong, 0 inconclusive, 12 ok, 9 refused
`)
  expect(err).toMatch(/^dragoman: the echo service listens on .*\ndragoman: a request came through; /)
  expect(code).toBe(0)
})

const ownNames = 'X-Dragoman-Subject, X-Dragoman-Client, X-Dragoman-Rule, X-Dragoman-Tenant, X-Dragoman-Txn'

it('finds that nobody is asked while dragoman is away', async () => {
  const { code, faults } = await examinedWith('dragoman is away and all pass')
  expect(faults).toEqual([
    'wrong | identity | nothing of dragoman reached the service',
    'leaked | missing-token | came through: no token, an empty Authorization, Bearer without a token, Basic',
    'leaked | forged-token | came through: a made-up token of ours',
    'leaked | tampered-token | came through: the token with another signature',
    'leaked | two-tokens | reached the service: Authorization',
    'leaked | oversized-token | came through: 6 kB',
    'leaked | client-token | reached the service: Authorization',
    `leaked | spoofed-identity | reached the service: ${ownNames}, Txn-Token`,
    `leaked | spoofed-twice | reached the service: ${ownNames}, Txn-Token`,
    'leaked | spoofed-other-case | reached the service: x-dragoman-subject, x-dragoman-client, x-dragoman-rule, x-dragoman-tenant, x-dragoman-txn, txn-token, X-DRAGOMAN-SUBJECT, X-DRAGOMAN-CLIENT and 10 more',
    'leaked | spoofed-underscores | reached the service: X_Dragoman_Subject, X_Dragoman_Client, X_Dragoman_Rule, X_Dragoman_Tenant, X_Dragoman_Txn, Txn_Token, X-Dragoman_Subject, X-Dragoman_Client and 16 more',
    'leaked | spoofed-odd-names | reached the service: X.Dragoman.Subject, X.Dragoman.Client, X.Dragoman.Rule, X.Dragoman.Tenant, X.Dragoman.Txn, Txn.Token, X!Dragoman!Subject, X#Dragoman#Subject and 10 more',
    'leaked | certificate-headers | reached the service: ssl-client-cert, x-amzn-mtls-clientcert-leaf, x-amzn-mtls-clientcert, x-client-cert, x-arr-clientcert, client-cert, client-cert-chain, x-forwarded-client-cert and 5 more',
    'leaked | cookie | reached the service: Cookie',
    'leaked | paths | came through: /a//b, /a/./b, /a/../b, /a/..;/b, /a%2Fb, /a/%2e%2e/b, /a%5Cb, /a\\b and 2 more',
    `leaked | preflight | reached the service: ${ownNames}, Txn-Token`,
    'leaked | not-a-preflight | came through: OPTIONS without Origin, GET with Origin',
  ])
  expect(code).toBe(3)
})

it.each<readonly [readonly Habit[], readonly string[]]>([
  [
    ['replace one line', 'pass cookies', 'break on long tokens', 'answer with the token', 'pass any path'],
    [
      'leaked | answer | in the answer to the client: X-Debug',
      'wrong | oversized-token | answered 500: 20 kB, 100 kB',
      `leaked | spoofed-twice | reached the service: ${ownNames}, Txn-Token`,
      'leaked | cookie | reached the service: Cookie',
      'leaked | paths | came through: /a//b, /a/./b, /a/../b, /a/..;/b, /a%2Fb, /a/%2e%2e/b, /a%5Cb, /a\\b and 2 more',
    ],
  ],
  [
    ['replace one spelling', 'pass the token', 'obey Connection last'],
    [
      'leaked | client-token | reached the service: X-Client-Token',
      'leaked | spoofed-other-case | reached the service: x-dragoman-subject, x-dragoman-client, x-dragoman-rule, x-dragoman-tenant, x-dragoman-txn, txn-token, X-DRAGOMAN-SUBJECT, X-DRAGOMAN-CLIENT and 10 more',
      `wrong | connection-header | missing at the service: ${ownNames}, Authorization`,
    ],
  ],
  [
    ['forget the tenant', 'pass second tokens', 'pass underscores', 'pass all OPTIONS'],
    [
      'wrong | identity | missing at the service: X-Dragoman-Tenant',
      'leaked | two-tokens | reached the service: Authorization',
      'leaked | spoofed-underscores | reached the service: X_Dragoman_Subject, X_Dragoman_Client, X_Dragoman_Rule, X_Dragoman_Tenant, X_Dragoman_Txn, Txn_Token, X-Dragoman_Subject, X-Dragoman_Client and 16 more',
      'leaked | not-a-preflight | came through: OPTIONS without Origin',
    ],
  ],
  [
    ['believe X-Forwarded-Uri', 'pass odd names', 'pass certificates'],
    [
      'leaked | spoofed-odd-names | reached the service: X.Dragoman.Subject, X.Dragoman.Client, X.Dragoman.Rule, X.Dragoman.Tenant, X.Dragoman.Txn, Txn.Token, X!Dragoman!Subject, X#Dragoman#Subject and 10 more',
      'leaked | certificate-headers | reached the service: ssl-client-cert, x-amzn-mtls-clientcert-leaf, x-amzn-mtls-clientcert, x-client-cert, x-arr-clientcert, client-cert, client-cert-chain, x-forwarded-client-cert and 5 more',
      'wrong | original-request | turned away because of: X-Forwarded-Uri',
    ],
  ],
])('finds the bad habits %j', async (habits, faults) => {
  const examination = await examinedWith(...habits)
  expect(examination.faults).toEqual(faults)
  expect(examination.code).toBe(3)
})

it('knows what dragoman lets in without a credential', async () => {
  const { code, faults, out } = await examinedWith('pass anonymous', 'pass preflights')
  expect(faults).toEqual([])
  expect(out).toContain('ok            missing-token        came through as anonymous')
  expect(out).toContain('ok            preflight            nothing of it reached the service')
  expect(code).toBe(0)
})

it('looks at such a gateway without a token as well, and says what that leaves open', async () => {
  const { code, faults } = await examined(await startSmallGateway(['pass anonymous']), [])
  const open = 'this takes a token: --token-env NAME or --token @FILE'
  expect(faults).toEqual([`inconclusive | tampered-token | ${open}`, `inconclusive | client-token | ${open}`])
  expect(code).toBe(1)
})

it('takes nothing for proof that good requests suffer as well', async () => {
  const { code, faults, out } = await examinedWith('expire after ten requests')
  const lost = 'good requests are not let through any more; has the token expired?'
  expect(faults).toContain(`inconclusive | spoofed-identity | ${lost}`)
  expect(faults).toContain(`inconclusive | paths | ${lost}`)
  expect(out).not.toMatch(/leaked {2}|wrong {2}/)
  expect(code).toBe(1)
})

it('leaves out of account what is accepted', async () => {
  const gateway = await startSmallGateway(['pass cookies'])
  const { code, out } = await examined(gateway, [...withToken, '--accept', 'cookie'])
  expect(out).toContain('  leaked        cookie               reached the service: Cookie (accepted)\n')
  expect(out).toMatch(/\n1 leaked, .*; accepted: cookie\n$/)
  expect(out).not.toContain('What to change')
  expect(code).toBe(0)
})

it('says what to change, once for all that it helps against', async () => {
  const { out } = await examined(await startSmallGateway(['replace one line', 'forget the tenant']), [
    ...withToken,
    '--kind=nginx',
    '--header-name=X-Acme-User',
  ])
  expect(out.slice(out.indexOf('What to change'))).toBe(`What to change at nginx
  identity, spoofed-identity, spoofed-twice, spoofed-other-case
    in the location that leads to the service:
      auth_request_set $dragoman_tenant $upstream_http_x_dragoman_tenant;
      proxy_set_header X-Dragoman-Tenant $dragoman_tenant;
      proxy_set_header X-Acme-User "";
      auth_request_set $dragoman_subject $upstream_http_x_dragoman_subject;
      proxy_set_header X-Dragoman-Subject $dragoman_subject;
      auth_request_set $dragoman_client $upstream_http_x_dragoman_client;
      proxy_set_header X-Dragoman-Client $dragoman_client;
      auth_request_set $dragoman_rule $upstream_http_x_dragoman_rule;
      proxy_set_header X-Dragoman-Rule $dragoman_rule;
      auth_request_set $dragoman_txn $upstream_http_x_dragoman_txn;
      proxy_set_header X-Dragoman-Txn $dragoman_txn;
      proxy_set_header Txn-Token "";

3 leaked, 1 wrong, 0 inconclusive, 8 ok, 9 refused
`)
})

it('tells programs the same, with the fixes for every kind of gateway', async () => {
  const { code, out } = await examined(await startSmallGateway(['pass cookies']), [...withToken, '-o', 'json'])
  const { results, changes } = JSON.parse(out) as {
    readonly results: readonly { readonly probe: string; readonly result: string }[]
    readonly changes: readonly { readonly probes: readonly string[]; readonly fixes: object }[]
  }
  expect(results.find(({ probe }) => probe === 'cookie')).toEqual({
    probe: 'cookie',
    result: 'leaked',
    severity: 'low',
    told: [{ phrase: 'reached the service', items: ['Cookie'] }],
    why: "Every service behind the gateway sees the client's session.",
  })
  const kinds = ['nginx', 'ingress-nginx', 'envoy', 'haproxy', 'caddy', 'traefik', 'apisix', 'aws-lambda']
  expect(changes.map(({ probes, fixes }) => [probes, Object.keys(fixes)])).toEqual([[['cookie'], kinds]])
  expect(code).toBe(3)
})

const authority = testAuthority('Servers')
const listener = authority.issue({ subject: 'edge', dns: ['edge.example.com'] })
const clients = testAuthority('Clients')

/** A folder with what it takes to speak TLS to a gateway that is edge.example.com, and the gateway. */
const overTls = async (words: readonly string[], habits: readonly Habit[] = []) => {
  const cwd = temporaryFolder()
  const client = clients.issue({ subject: 'client' })
  const files = { 'ca.pem': authority.pem, 'client.pem': client.pem, 'client.key': client.privateKeyPem }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
  writeFileSync(join(cwd, 'token.jwt'), `Bearer ${acceptedToken}\n`)
  const tls = { cert: listener.pem, key: listener.privateKeyPem, ca: clients.pem }
  const { port, leadTo } = await startSmallGateway(habits, tls)
  const gateway = { url: 'https://edge.example.com/orders/', port, leadTo }
  return examined(gateway, ['--connect', `127.0.0.1:${port}`, ...words], cwd)
}

it('speaks TLS, under the name and the authority that it is told', async () => {
  const { code, out } = await overTls([
    '--ca',
    'ca.pem',
    '--token',
    '@token.jwt',
    '--cert',
    'client.pem',
    '--key',
    'client.key',
  ])
  expect(out).toMatch(/^https:\/\/edge\.example\.com\/orders\/\n {2}ok +identity/)
  expect(code).toBe(0)
})

it('takes a certificate for the credential where there is no token', async () => {
  const words = ['--ca', 'ca.pem', '--cert', 'client.pem', '--key', 'client.key']
  const { code, out } = await overTls(words, ['let certificates in'])
  expect(out).toMatch(/ok +identity/)
  expect(out).toMatch(/refused +missing-token +turned away with: 401\n/)
  expect(out).not.toMatch(/tampered-token|client-token/)
  expect(code).toBe(0)
})

it('does not believe another authority', async () => {
  const { code, err } = await overTls(['--token', '@token.jwt'])
  expect(err).toContain(
    'the gateway cannot be asked: its certificate is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE); --ca FILE names its authority',
  )
  expect(code).toBe(1)
})

it('says at once that it takes a credential', async () => {
  const { code, out, err } = await examined(await startSmallGateway(), [])
  expect(err).toContain('dragoman: the gateway answers 401 to a request without a credential, as it should; to see')
  expect([code, out]).toEqual([1, ''])
})

it.each<readonly [string, readonly Habit[], number | undefined, RegExp]>([
  [
    'no route leads to it',
    [],
    1,
    /nothing came to the echo service within 1 s: the gateway answers 502: it does not reach/,
  ],
  ['the gateway refuses', ['expire after ten requests'], undefined, /answers 401: it does not accept the credential/],
])('says why nothing arrives: %s', async (_, habits, upstream, message) => {
  const gateway = await startSmallGateway(habits)
  if (upstream !== undefined) gateway.leadTo(upstream)
  const token = upstream === undefined ? 'another.token.altogether' : acceptedToken
  const words = ['doctor', 'gateway', gateway.url, '--upstream-port', '0', '--wait', '1s', '--token-env', 'TOKEN']
  const { code, out, err } = await runProgram(words, { env: { TOKEN: token } })
  expect(err).toMatch(message)
  expect(err).not.toContain(token)
  expect([code, out]).toEqual([1, ''])
})

it.each([
  [
    ['--token', acceptedToken],
    'shells remember tokens, and process lists show them: --token @FILE or --token-env NAME',
  ],
  [['--token', '@a', '--token-env', 'TOKEN'], '--token and --token-env exclude each other'],
  [['--token-env', 'NOTHING'], 'the token is empty'],
  [['--token-env', 'TOKEN', acceptedToken], 'doctor gateway takes one URL'],
  [['--cert', 'client.pem'], '--cert and --key go together'],
  [['--accept', 'cookies'], 'there is no probe cookies; there are identity, answer, missing-token'],
  [['--header-name', 'X Y'], 'a header name is letters, digits and hyphens, at most 64'],
  [['--kind', 'iis'], "argument 'iis' is invalid. Allowed choices are nginx, ingress-nginx, envoy"],
])('refuses %j, and does not show the token', async (words, message) => {
  const run = ['doctor', 'gateway', 'https://edge.example.com/orders', '--upstream-port', '0', ...words]
  const { code, out, err } = await runProgram(run, { env: { TOKEN: acceptedToken } })
  expect(err).toContain(message)
  expect(err).not.toContain(acceptedToken)
  expect([code, out]).toEqual([2, ''])
})

it('has help with examples, and wants the port', async () => {
  const { code, out } = await runProgram(['doctor', 'gateway', '--help'])
  expect(code).toBe(0)
  expect(out).toMatch(/\nExamples:\n {2}dragoman doctor gateway /)
  const { err } = await runProgram(['doctor', 'gateway', 'https://edge.example.com'])
  expect(err).toBe("dragoman: required option '--upstream-port <port>' not specified\n")
})
