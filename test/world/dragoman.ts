import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRemoteJWKSet, type JWTVerifyResult, jwtVerify } from 'jose'
import * as z from 'zod'
import { patience, stopped, within } from './child-process.ts'
import { caller, type Document, orders, writeDocuments } from './documents.ts'
import { clientSecret } from './openid-provider-settings.ts'

/** dragoman as a user starts it: a process of its own, over a folder of documents. */

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

const tokenResponse = z.object({
  access_token: z.string().optional(),
  issued_token_type: z.string().optional(),
  token_type: z.string().optional(),
  expires_in: z.number().optional(),
  scope: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
})

/** An answer of the token endpoint. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: z.infer<typeof tokenResponse>
}

const auditRecord = z.looseObject({ request_id: z.string(), reason: z.string().optional() })

export type AuditRecord = z.infer<typeof auditRecord>

type Form = Readonly<Record<string, string>>

export interface Dragoman {
  readonly url: string
  readonly issuer: string
  readonly pid: number
  /** Where its documents, keys and state lie; a later start over the same folder finds them. */
  readonly folder: string
  /** Asks for a token for `orders`; `form` adds to that or replaces it. As `caller`, unless it says who it is itself. */
  readonly exchange: (form: Form) => Promise<Answer>
  /** Every audit record so far. */
  readonly audit: () => readonly AuditRecord[]
  /** The reason in the audit record of the request that was answered so. */
  readonly reasonOf: (answer: Answer) => Promise<string | undefined>
  /** Everything that it has written so far, audit and log together. */
  readonly output: () => string
  /** Checks a token as a service behind dragoman would, by its published keys; throws when it does not hold. */
  readonly verified: (token: string | undefined) => Promise<JWTVerifyResult>
  readonly stop: (signal?: NodeJS.Signals) => Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export const subjectTokenTypes = {
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const

/** A new empty folder, with `maps`, `keys` and `state` in it. The caller removes it with `removeFolder`. */
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-test-'))
  for (const name of ['maps', 'keys', 'state']) mkdirSync(join(folder, name))
  return folder
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })

/** How it is started, where that matters. */
export interface Start {
  /** Default: a free one. */
  readonly port?: string
  /** Further options of the command line. */
  readonly options?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** What runs it, and the file that it runs; by default Node, and the source. */
  readonly program?: readonly [string, ...string[]]
}

/** The command line: `dev` without its demo world, since only `dev` believes an issuer that speaks plain http. */
const commandLine = (folder: string, { port = '0', options = [] }: Start): readonly string[] => [
  'dev',
  '--no-demo',
  '--trust-maps',
  join(folder, 'maps'),
  '--keys',
  join(folder, 'keys'),
  '--state',
  join(folder, 'state', 'state.sqlite'),
  '--audit',
  '-',
  '--port',
  port,
  '--admin-port',
  '0',
  ...options,
]

/** The environment without what would set dragoman's options. */
const withoutSettings = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('DRAGOMAN_')))

/** Where dragoman says it listens, once it does. */
const readyUrl = (output: string): string | undefined => /^dragoman: listening on (\S+)/m.exec(output)?.[1]

const waitForUrl = async (child: ChildProcess, output: () => string): Promise<string> => {
  for (;;) {
    const url = readyUrl(output())
    if (url !== undefined) return url
    if (child.exitCode !== null) throw new Error(`dragoman ended: ${output()}`)
    await sleep(20)
  }
}

const parseAudit = (output: string): AuditRecord[] =>
  // What follows the last line break is not written to its end yet.
  output
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      if (!line.startsWith('{')) return []
      const record = auditRecord.safeParse(JSON.parse(line))
      return record.success ? [record.data] : []
    })

const ask = async (url: string, form: Form): Promise<Answer> => {
  const namesItself = 'client_assertion' in form || 'client_id' in form
  const basic = Buffer.from(`${caller.id}:${caller.secret}`).toString('base64')
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: namesItself ? {} : { authorization: `Basic ${basic}` },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: orders,
      ...form,
    }),
    signal: AbortSignal.timeout(patience),
  })
  return { status: response.status, headers: response.headers, body: tokenResponse.parse(await response.json()) }
}

const requestIdOf = (answer: Answer): string | undefined =>
  /\(request ([^)]+)\)/.exec(answer.body.error_description ?? '')?.[1]

/** Polls `find` until it finds something, for at most `milliseconds`. */
export const eventually = async <T>(
  find: () => T | undefined | Promise<T | undefined>,
  milliseconds = 5000,
): Promise<T> => {
  const deadline = performance.now() + milliseconds
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`nothing within ${milliseconds} ms`)
    await sleep(50)
  }
}

/** Starts dragoman over `documents`, which are written into `folder`. The caller stops it and removes the folder. */
export const startDragoman = async (
  folder: string,
  documents: readonly Document[],
  how: Start = {},
): Promise<Dragoman> => {
  writeDocuments(join(folder, 'maps'), documents)
  const [program, ...words] = how.program ?? [process.execPath, main]
  const child = spawn(program, [...words, ...commandLine(folder, how)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutSettings(process.env), INTROSPECTION_SECRET: clientSecret, ...how.environment },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const stop = (signal?: NodeJS.Signals) => stopped(child, signal)
  try {
    await once(child, 'spawn')
    const url = await within(
      patience,
      'a ready dragoman',
      waitForUrl(child, () => output),
    )
    return { ...facesOf(url, () => output), folder, pid: child.pid ?? 0, stop }
  } catch (error) {
    await stop('SIGKILL')
    throw error
  }
}

const facesOf = (url: string, output: () => string) => {
  const keys = createRemoteJWKSet(new URL(`${url}/jwks.json`))
  const audit = () => parseAudit(output())
  return {
    url,
    issuer: url,
    output,
    audit,
    exchange: (form: Form) => ask(url, form),
    reasonOf: async (answer: Answer) => {
      const id = requestIdOf(answer)
      const record = await eventually(() => audit().find((one) => one.request_id === id))
      return record.reason
    },
    verified: (token: string | undefined) =>
      jwtVerify(token ?? '', keys, { issuer: url, audience: orders, typ: 'at+jwt', algorithms: ['ES256'] }),
  }
}
