import { Command, InvalidArgumentError, Option } from 'commander'
import type { Instant, Seconds } from '../domain/time.ts'
import { duration } from '../formats/settings.ts'
import { defaultOverlap, type KeyState, type Standing, standings } from '../mint/key-times.ts'
import { isFirst, planRotation } from '../mint/rotation.ts'
import { mintAlgorithms, newStoredKey, type StoredKey } from '../mint/stored-key.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { readKeys, writeKey } from '../runtimes/node/key-folder.ts'
import { createNodeClock } from '../runtimes/node/platform.ts'
import { createNodeSignatures } from '../runtimes/node/signatures.ts'

/** Where a command speaks: data to `out`, messages to `err`, and whether it did what it was asked. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  fail(): void
}

interface CommonOptions {
  readonly keys: string
  readonly output: 'table' | 'json'
}

type Algorithm = (typeof mintAlgorithms)[number]

interface RotateOptions extends CommonOptions {
  readonly alg?: Algorithm
  readonly now?: true
  readonly publishFor: Seconds
}

const processTerminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  fail: () => {
    process.exitCode = 1
  },
}

/** How long a new key is published before it signs: as long as verifiers may keep our key set. */
const publishFor: Seconds = 3_600

/** `dragoman keys`: looks at and changes the folder of signing keys. A running server notices within seconds. */
export const createKeysCommand = (terminal: Terminal = processTerminal, clock = createNodeClock()): Command => {
  const command = new Command('keys').description('list, make, rotate and retire the keys that tokens are signed with')
  const act =
    <Options extends CommonOptions>(action: (options: Options, now: Instant) => Promise<Report>) =>
    (options: Options) =>
      run(() => action(options, clock.now()), options, terminal)

  subcommand(command, 'list', 'show every key and what it may do').action(act(list))
  subcommand(command, 'generate', 'make a key: the first signs at once, later ones wait for a rotation')
    .addOption(algorithmOption().default('ES256'))
    .action(act(generate))
  subcommand(command, 'rotate', 'hand over to the key that waits, or to a new one')
    .addOption(algorithmOption())
    .addOption(
      new Option('--publish-for <duration>', 'how long the key is published before it signs')
        .default(publishFor, '1h')
        .argParser(parseDuration),
    )
    .option('--now', 'sign with it at once; verifiers have to fetch it anew')
    .action(act(rotate))
  subcommand(command, 'retire', 'stop to use and to publish a key from now on')
    .argument('<kid>', 'the id of the key')
    .option('--force', 'even if no key is left to sign with')
    .action((kid: string, options: RetireOptions) => act(retire)({ ...options, kid }))
  return command
}

const subcommand = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .addOption(new Option('--keys <folder>', 'where the keys are').env('DRAGOMAN_KEYS').default('keys'))
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))

const algorithmOption = () => new Option('--alg <algorithm>', 'what the key signs with').choices(mintAlgorithms)

const parseDuration = (text: string): Seconds => {
  const parsed = duration.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('write a number and a unit: 30s, 5m, 1h, 7d')
  return parsed.data
}

/** What a command has to show and to say. */
interface Report {
  readonly rows: readonly Row[]
  readonly message?: string
}

const run = async (work: () => Promise<Report>, { output }: CommonOptions, terminal: Terminal): Promise<void> => {
  try {
    const { rows, message } = await work()
    terminal.out(output === 'json' ? `${JSON.stringify(rows, undefined, 2)}\n` : tableOf(rows))
    if (message !== undefined) terminal.err(`${message}\n`)
  } catch (cause) {
    terminal.err(`dragoman: ${cause instanceof Error ? cause.message : 'the keys cannot be used'}\n`)
    terminal.fail()
  }
}

const ports = () => ({ signatures: createNodeSignatures(), digest: createNodeDigest() })

const list = async ({ keys: folder }: CommonOptions, now: Instant): Promise<Report> => {
  const rows = rowsOf(await readKeys(folder), now)
  if (rows.some(({ state }) => state === 'active')) return { rows }
  const remedy = rows.length === 0 ? `run: dragoman keys generate --keys ${folder}` : 'run: dragoman keys rotate --now'
  return { rows, message: `no key in ${folder} signs; ${remedy}` }
}

const generate = async (options: CommonOptions & { readonly alg: Algorithm }, now: Instant): Promise<Report> => {
  const keys = await readKeys(options.keys)
  const made = await newStoredKey(options.alg, now, ports())
  const first = isFirst(keys, now, defaultOverlap)
  const key = first ? { ...made, activeFrom: now } : made
  await writeKey(options.keys, key)
  return {
    rows: rowsOf([...keys, key], now, key.kid),
    message: first ? `${key.kid} signs from now on` : `${key.kid} is published and waits; run: dragoman keys rotate`,
  }
}

const rotate = async (options: RotateOptions, now: Instant): Promise<Report> => {
  const keys = await readKeys(options.keys)
  const plan = planRotation(keys, now, defaultOverlap, {
    publishFor: options.now === true ? 0 : options.publishFor,
    ...(options.alg === undefined ? {} : { algorithm: options.alg }),
  })
  const key = plan.key ?? (await newStoredKey(plan.algorithm, now, ports()))
  const timed = { ...key, activeFrom: plan.activeFrom }
  await writeKey(options.keys, timed, { replace: plan.key !== undefined })
  const all = [...keys.filter(({ kid }) => kid !== key.kid), timed]
  return { rows: rowsOf(all, now, key.kid), message: handOver(timed, now, keys.length > 0) }
}

const handOver = (
  { kid, activeFrom }: StoredKey & { activeFrom: Instant },
  now: Instant,
  hasOthers: boolean,
): string => {
  if (activeFrom > now) return `${kid} signs from ${isoTime(activeFrom)}; until then verifiers can fetch it`
  return hasOthers ? `${kid} signs from now on; verifiers have to fetch the key set anew` : `${kid} signs from now on`
}

interface RetireOptions extends CommonOptions {
  readonly force?: true
}

const retire = async (options: RetireOptions & { readonly kid: string }, now: Instant): Promise<Report> => {
  const keys = await readKeys(options.keys)
  const found = standings(keys, now, defaultOverlap).find(({ key }) => key.kid === options.kid)
  if (found === undefined) throw new Error(`no key ${options.kid} in ${options.keys}; run: dragoman keys list`)
  if (found.state === 'active' && options.force !== true)
    throw new Error(
      `${options.kid} is the only key that signs; run: dragoman keys rotate --now, then retire it, or use --force`,
    )
  if (found.state === 'retired')
    return { rows: rowsOf(keys, now, options.kid), message: `${options.kid} was retired before` }
  const key = { ...found.key, retireAt: now }
  await writeKey(options.keys, key, { replace: true })
  const all = keys.map((other) => (other.kid === key.kid ? key : other))
  return { rows: rowsOf(all, now, key.kid), message: farewell(key.kid, found.state) }
}

const farewell = (kid: string, before: KeyState): string => {
  if (before === 'next') return `${kid} is retired; it never signed`
  const consequence = before === 'active' ? '; no key signs now, run: dragoman keys rotate --now' : ''
  return `${kid} is retired; verifiers will refuse the tokens under it that are still alive${consequence}`
}

/** One key as it is shown; the private half stays in its file. Times are ISO 8601, null where none is set. */
interface Row {
  readonly kid: string
  readonly alg: string
  readonly state: KeyState
  readonly createdAt: string
  readonly signsFrom: string | null
  readonly signsUntil: string | null
  readonly publishedUntil: string | null
}

const rowsOf = (keys: readonly StoredKey[], now: Instant, only?: string): readonly Row[] =>
  standings(keys, now, defaultOverlap)
    .map(rowOf)
    .filter(({ kid }) => only === undefined || kid === only)

const rowOf = ({ key, state, signsFrom, signsUntil, publishedUntil }: Standing<StoredKey>): Row => ({
  kid: key.kid,
  alg: key.alg,
  state,
  createdAt: isoTime(key.createdAt),
  signsFrom: timeOrNull(signsFrom),
  signsUntil: timeOrNull(signsUntil),
  publishedUntil: timeOrNull(publishedUntil),
})

const isoTime = (instant: Instant): string => new Date(instant * 1_000).toISOString()
const timeOrNull = (instant: Instant): string | null => (Number.isFinite(instant) ? isoTime(instant) : null)

const headings = ['KID', 'ALG', 'STATE', 'CREATED', 'SIGNS FROM', 'PUBLISHED UNTIL']

const tableOf = (rows: readonly Row[]): string => {
  const lines = rows.map(({ kid, alg, state, createdAt, signsFrom, publishedUntil }) =>
    [kid, alg, state, createdAt, signsFrom ?? '-', publishedUntil ?? '-'].map((cell) => cell.replace(/\.\d+Z$/, 'Z')),
  )
  const table = [headings, ...lines]
  const widths = headings.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)))
  const padded = (line: readonly string[]) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return table.map((line) => `${padded(line).trimEnd()}\n`).join('')
}
