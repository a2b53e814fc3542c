import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isLoggable } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import type { Seen } from '../domain/trace.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { createNodeClock } from '../runtimes/node/platform.ts'
import { loadTrust } from '../trust.ts'
import { gather } from './documents.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { counted, faultsText } from './faults.ts'
import { insecureLoopback, mtlsAlias, ourIssuer, trustMapsFolder } from './options.ts'
import { printable, say } from './terminal.ts'
import { openWalkDesk } from './walk.ts'

/** What explanations of the way in and of the way out can both be told. */
export interface WalkOptions {
  readonly trustMaps: string
  readonly at?: Instant
  readonly keysFile?: string
  readonly issuer?: string
  readonly mtlsAlias?: string
  readonly reveal?: boolean
  readonly output: 'text' | 'json'
  readonly insecureLoopback?: boolean
}

export const addWalkOptions = (command: Command): Command =>
  command
    .addOption(trustMapsFolder())
    .addOption(new Option('--at <time>', 'as if it were this time: 2026-12-01T12:00:00Z').argParser(parseInstant))
    .option('--keys-file <file>', "verify with this JWK set in place of the issuer's")
    .addOption(ourIssuer('our issuer: assertions must be for its token endpoint, and tokens of ours name it'))
    .addOption(mtlsAlias())
    .option('--reveal', 'show the values of claims, whatever their label')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addOption(insecureLoopback())

const parseInstant = (text: string): Instant => {
  const time = /^\d{4}-\d\d-\d\dT.+(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new InvalidArgumentError('a time is written 2026-12-01T12:00:00Z.')
  return time / 1_000
}

/** No error may quote the token. */
export const readToken = async (source: string | undefined): Promise<string> => {
  if (source === undefined && process.stdin.isTTY)
    throw new CommandError('no token was given; pipe it in, or name a file: dragoman explain @FILE', exitCodes.usage)
  const given = await tokenText(source)
  const token = given.trim().replace(/^bearer +/i, '')
  if (token === '') throw new CommandError('the token is empty', exitCodes.usage)
  return token
}

const tokenText = async (source: string | undefined): Promise<string> => {
  if (source === undefined || source === '-') return textOf(process.stdin)
  if (!source.startsWith('@')) return source
  try {
    return await readFile(source.slice(1), 'utf8')
  } catch (cause) {
    throw new CommandError('there is no such file to read after the @', exitCodes.failure, { cause })
  }
}

/** A desk over the documents, for walks at the way in or at the way out. @throws CommandError with every fault shown */
export const openDeskFor = async (options: WalkOptions, way: 'in' | 'out') => {
  const { trustMaps, at, keysFile, issuer, mtlsAlias: alias, insecureLoopback: loopback = false } = options
  const { files, texts } = await gather([trustMaps])
  const world = loopback ? 'dev' : 'serve'
  const loaded = await loadTrust(files, { world, insecureLoopback: loopback, digest: createNodeDigest() })
  for (const notice of loaded.notices) say(printable(`dragoman: ${notice}; --insecure-loopback takes it in`))
  const place = { folder: trustMaps, now: at ?? createNodeClock().now(), insecureLoopback: loopback }
  const more = {
    ...(keysFile === undefined ? {} : { keysFile }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(alias === undefined ? {} : { mtlsAlias: alias }),
  }
  const opened =
    loaded.trust === undefined ? loaded.faults : await openWalkDesk(loaded.trust, { ...place, ...more, way })
  if ('trust' in opened) return opened
  say(faultsText(opened, texts))
  throw new CommandError(`${counted(opened.length, 'fault')} in the documents of ${trustMaps}`, exitCodes.faults)
}

/** May the value be shown to the person at the terminal? */
export const mayShow = ({ sensitivity }: Seen, reveal: boolean): boolean =>
  reveal || (sensitivity !== undefined && isLoggable(sensitivity))
