import { join } from 'node:path'
import { Command, Option } from 'commander'
import type { Desk } from '../desk.ts'
import { isLoggable } from '../domain/claims.ts'
import type { Seen, Trace } from '../domain/trace.ts'
import { claimsOf, parseCompactJws } from '../formats/jws.ts'
import { createPlainLog } from '../runtimes/node/log.ts'
import type { RunningServer } from '../runtimes/node/server.ts'
import type { DemoWorld } from './demo-world/demo-world.ts'
import { demoClient, exchangeForm, firstExchange, welcomeText } from './dev-welcome.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { explanationOf } from './explanation.ts'
import { explanationText } from './explanation-text.ts'
import { isLoopback, parsePort } from './options.ts'
import { addServiceOptions, announce, type ServiceOptions, start, untilSignal } from './service.ts'
import { invocation, paintFor, print, printable, say } from './terminal.ts'

interface DevOptions extends ServiceOptions {
  readonly demo: boolean
  readonly demoPort: number
}

/** The port at which the demo documents look for the demo issuer. */
const demoPort = 8695

/** `dragoman dev`: the real server, made easy to try. */
export const createDevCommand = (): Command =>
  addServiceOptions(new Command('dev'), { state: ':memory:', audit: 'none' })
    .option('--no-demo', 'without the demo world: only the documents of the folder')
    .addOption(new Option('--demo-port <number>', 'the port of the demo issuer').argParser(parsePort).default(demoPort))
    .addHelpText(
      'after',
      `
As serve, but: makes a signing key when there is none, permits plain http to this machine, keeps its state in memory,
and explains every refused exchange in the terminal. Do not let others reach it.

Examples:
  dragoman dev
  dragoman dev --no-demo --trust-maps my-maps
  dragoman dev --port 0 --demo-port 0      on any free ports`,
    )
    .action(dev)

const dev = async (options: DevOptions): Promise<void> => {
  if (options.demo) requireLoopback(options)
  const signal = untilSignal()
  const demo = options.demo ? await startDemo(options.demoPort) : undefined
  try {
    const server = await startBeside(demo, options)
    try {
      await attend(server, demo, signal)
    } finally {
      await server.stop()
    }
  } finally {
    await demo?.stop()
  }
}

const attend = async (server: RunningServer, demo: DemoWorld | undefined, signal: Promise<void>): Promise<void> => {
  announce(server)
  if (demo !== undefined) await welcome(server, demo)
  await signal
}

/** Whoever asks gets a token of the demo world: nobody else may ask, and no name that others trust may stand on ours. */
const requireLoopback = ({ host, issuer }: DevOptions): void => {
  if (!isLoopback(new URL(`http://${host.includes(':') ? `[${host}]` : host}`)))
    throw new CommandError(
      `the demo world is for this machine only; leave out --host ${host}, or add --no-demo`,
      exitCodes.usage,
    )
  if (issuer !== undefined && !isLoopback(new URL(issuer)))
    throw new CommandError(
      'the demo world does not speak under a public issuer; leave out --issuer, or add --no-demo',
      exitCodes.usage,
    )
}

const startDemo = async (port: number): Promise<DemoWorld> => {
  const { startDemoWorld } = await import('./demo-world/demo-world.ts')
  try {
    return await startDemoWorld(port)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause
    throw new CommandError(
      `port ${port} for the demo issuer is in use; choose others: --demo-port N --port N (0: any free one)`,
      exitCodes.failure,
      { cause },
    )
  }
}

const startBeside = async (demo: DemoWorld | undefined, options: DevOptions): Promise<RunningServer> => {
  const { demo: _, demoPort: __, ...service } = options
  const { demoDocuments, withoutDemo } = await import('./demo-world/documents.ts')
  const folder = service.trustMaps
  return start(service, {
    world: 'dev',
    log: createPlainLog(process.stderr),
    generateKey: true,
    documents: demo === undefined ? withoutDemo(folder) : await demoDocuments(folder, demo.issuer),
    onTrace: (trace, desk) => say(traceText(trace, desk, folder)),
  })
}

/** A line for what was granted; for what was refused, all that led to it. */
const traceText = (trace: Trace, desk: Desk, folder: string): string => {
  const paint = paintFor(process.stderr)
  if (trace.outcome?.granted !== true) {
    const placeOf = ({ file, line, column }: { file: string; line: number; column: number }) =>
      `${join(folder, file)}:${line}:${column}`
    return `\n${explanationText(explanationOf(trace, desk.trust, { mayShow, placeOf }), paint)}`
  }
  const { subject, map, rule, audience = [], requestId } = trace
  const who = subject === undefined || !isLoggable(subject.sensitivity) ? 'somebody' : subject.value
  const words = printable(`${who} for ${audience.join(', ')} by ${map}/${rule}`)
  return `${paint('green', 'granted')}  ${words}  ${paint('dim', `request ${requestId}`)}`
}

/** Conditions are about claims that the developer named; what a document labels as sensitive stays hidden even here. */
const mayShow = ({ sensitivity }: Seen): boolean => sensitivity === undefined || isLoggable(sensitivity)

/** Makes the first exchange as anybody would, over HTTP, and shows what it yields. */
const welcome = async ({ url }: RunningServer, demo: DemoWorld): Promise<void> => {
  const token = await (await fetch(`${demo.issuer}/tokens/${firstExchange.person}`)).text()
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${demoClient.id}:${demoClient.secret}`)}` },
    body: new URLSearchParams(exchangeForm(token.trim(), firstExchange.audience)),
  })
  const answer = (await response.json()) as { readonly access_token?: string }
  if (answer.access_token === undefined) return say('dragoman: the demo exchange was refused; see above for why')
  const jws = parseCompactJws(answer.access_token)
  const isAtItsPlace = demo.issuer.endsWith(`:${demoPort}`)
  const shown = {
    url,
    demo: demo.issuer,
    token: { header: jws.header, claims: claimsOf(jws) },
    isAtItsPlace,
    invocation,
  }
  print(welcomeText(shown, paintFor(process.stdout)))
}
