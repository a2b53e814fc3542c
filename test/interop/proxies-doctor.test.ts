import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { identityHeaders } from '../../src/formats/gateway-decision-settings.ts'
import { requestPath } from '../../src/formats/request-path.ts'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { startProgram } from '../world/program.ts'
import { freePort, startDaemon } from './daemon.ts'
import { programs } from './proxies/running-proxies.ts'

/** `dragoman doctor gateway` at a real nginx: one that is set up well, and one as one finds them. */

const token = 'the-token-of-a-client-of-the-test-world'

/** Answers nginx as dragoman does. */
const startDecisions = async (): Promise<{ readonly port: number; readonly stop: () => void }> => {
  const server = createServer((question, answer) => {
    const { authorization, 'x-forwarded-uri': uri } = question.headers
    const status = isPlain(String(uri)) ? (authorization === `Bearer ${token}` ? 200 : 401) : 403
    const identity = Object.values(identityHeaders).flatMap((name) => [name, 'somebody'])
    answer.writeHead(status, status === 200 ? ['Authorization', 'Bearer of-dragoman', ...identity] : []).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  onTestFinished(stop)
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return { port: address.port, stop }
}

const isPlain = (target: string): boolean => {
  try {
    return requestPath(target) !== ''
  } catch {
    return false
  }
}

interface Ports {
  readonly gateway: number
  readonly decisions: number
  readonly echo: number
}

/** What both have in common; `server` and `location` are the lines that they differ in. */
const configuration = (folder: string, { gateway, decisions, echo }: Ports, server: string, location: string) => `
daemon off;
pid ${folder}/nginx.pid;
worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${gateway};
    ${server}
    location = /_dragoman {
      internal;
      proxy_pass http://127.0.0.1:${decisions}/authz/edge;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Forwarded-Uri $request_uri;
    }
    location /orders {
      auth_request /_dragoman;
      auth_request_set $dragoman_authorization $upstream_http_authorization;
      auth_request_set $dragoman_subject $upstream_http_x_dragoman_subject;
      auth_request_set $dragoman_client $upstream_http_x_dragoman_client;
      auth_request_set $dragoman_rule $upstream_http_x_dragoman_rule;
      auth_request_set $dragoman_tenant $upstream_http_x_dragoman_tenant;
      auth_request_set $dragoman_txn $upstream_http_x_dragoman_txn;
      proxy_set_header Authorization $dragoman_authorization;
      proxy_set_header X-Dragoman-Subject $dragoman_subject;
      proxy_set_header X-Dragoman-Client $dragoman_client;
      proxy_set_header X-Dragoman-Rule $dragoman_rule;
      ${location}
      proxy_pass http://127.0.0.1:${echo};
    }
  }
}
`

/** The fields of every dialect of certificate headers. */
const certificates = [
  'Client-Cert',
  'Client-Cert-Chain',
  'Ssl-Client-Cert',
  'Ssl-Client-Verify',
  'X-Amzn-Mtls-Clientcert',
  'X-Amzn-Mtls-Clientcert-Leaf',
  'X-Arr-Clientcert',
  'X-Client-Cert',
  'X-Client-Cert-Chain',
  'X-Client-Cert-Leaf',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Tls-Client-Cert',
  'X-Ssl-Client-Cert',
]

const well = {
  server: '',
  location: [
    'proxy_set_header X-Dragoman-Tenant $dragoman_tenant;',
    'proxy_set_header X-Dragoman-Txn $dragoman_txn;',
    ...['Cookie', 'Txn-Token', ...certificates].map((name) => `proxy_set_header ${name} "";`),
  ].join('\n'),
}

/** Two identity headers forgotten, old services' underscores, long tokens, CORS, and nothing taken off. */
const carelessly = {
  server: `
    underscores_in_headers on;
    large_client_header_buffers 4 32k;
    location @cors { proxy_pass http://127.0.0.1:ECHO; }`,
  location: 'error_page 418 = @cors; if ($request_method = OPTIONS) { return 418; }',
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const startNginx = async (ports: Ports, { server, location }: typeof well): Promise<void> => {
  const folder = newFolder()
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, configuration(folder, ports, server.replace('ECHO', String(ports.echo)), location))
  const command = [programs.nginx, '-e', 'stderr', '-p', folder, '-c', file] as const
  const isReady = () => accepts(ports.gateway)
  const log = join(folder, 'nginx.log')
  const daemon = await startDaemon({ name: 'nginx', command, log, longestLife: 120, longestStart: 20, isReady })
  onTestFinished(async () => {
    await daemon.stop()
    removeFolder(folder)
  })
}

const newPorts = async (decisions: number): Promise<Ports> => ({
  gateway: await freePort(),
  decisions,
  echo: await freePort(),
})

const examined = async ({ gateway, echo }: Ports, words: readonly string[] = []) => {
  const url = `http://127.0.0.1:${gateway}/orders`
  const run = ['doctor', 'gateway', url, '--upstream-port', String(echo), '--token-env', 'TOKEN', ...words]
  const program = startProgram(run, { env: { TOKEN: token } })
  const code = await program.ended
  return { code, out: program.out(), err: program.err() }
}

it('finds nothing at an nginx that is set up well', async () => {
  const ports = await newPorts((await startDecisions()).port)
  await startNginx(ports, well)
  const { code, out } = await examined(ports)
  expect(out.split('\n').filter((line) => /^ {2}(leaked|wrong|inconclusive)/.test(line))).toEqual([])
  expect(out).toMatch(/\n0 leaked, 0 wrong, 0 inconclusive, \d+ ok, \d+ refused\n$/)
  expect(code).toBe(0)
})

/** The report as programs read it. */
const reported = z.object({
  kind: z.literal('nginx'),
  results: z.array(
    z.object({
      probe: z.string(),
      result: z.string(),
      told: z.array(z.object({ phrase: z.string(), items: z.array(z.string()) })),
    }),
  ),
  changes: z.array(z.object({ fixes: z.object({ nginx: z.string() }) })),
})

it('finds what leaks through one that is not, and what it says to change helps', async () => {
  const decisions = await startDecisions()
  const ports = await newPorts(decisions.port)
  await startNginx(ports, carelessly)
  const { code, out } = await examined(ports, ['-o', 'json'])
  const { results, changes } = reported.parse(JSON.parse(out))
  const faults = results.filter(({ result }) => ['leaked', 'wrong', 'inconclusive'].includes(result))
  const forgotten = ['X-Dragoman-Tenant', 'X-Dragoman-Txn']
  const free = [...forgotten, 'Txn-Token']
  const all = [...Object.values(identityHeaders), 'Txn-Token']
  const inLetters = (change: (name: string) => string) => free.map(change)
  const mixed = ['x-dRaGoMaN-TeNaNt', 'x-dRaGoMaN-TxN', 'tXn-tOkEn']
  const underscored = (name: string) => name.replaceAll('-', '_')
  const items = Object.fromEntries(faults.map(({ probe, told }) => [probe, told.flatMap((verdict) => verdict.items)]))
  expect(items).toEqual({
    identity: forgotten,
    'oversized-token': ['20 kB'],
    'spoofed-identity': free,
    'spoofed-twice': free,
    'spoofed-other-case': [
      ...inLetters((name) => name.toLowerCase()),
      ...inLetters((name) => name.toUpperCase()),
      ...mixed,
    ],
    'spoofed-underscores': expect.arrayContaining([...all.map(underscored), 'X-Dragoman_Subject', 'client_cert']),
    'certificate-headers': expect.arrayContaining(certificates.map((name) => name.toLowerCase())),
    cookie: ['Cookie'],
    preflight: all,
    'not-a-preflight': ['OPTIONS without Origin'],
  })
  expect(code).toBe(3)

  const lines = changes.flatMap(({ fixes }) => fixes.nginx.split('\n'))
  const location = lines.filter((line) => /^(proxy_set_header|auth_request_set) /.test(line)).join('\n')
  const next = await newPorts(decisions.port)
  await startNginx(next, { server: 'underscores_in_headers off;', location })
  expect(await examined(next)).toMatchObject({ code: 0 })
})

it('sees that it lets nobody in while dragoman is away, and says why it cannot look', async () => {
  const decisions = await startDecisions()
  const ports = await newPorts(decisions.port)
  await startNginx(ports, well)
  decisions.stop()
  const { code, out, err } = await examined(ports, ['--wait', '2s'])
  expect(err).toContain('within 2 s: the gateway answers 500: is dragoman there, and does it answer this gateway?\n')
  expect([code, out]).toEqual([1, ''])
})
