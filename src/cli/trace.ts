import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command, Option } from 'commander'
import type { Claims } from '../domain/claims.ts'
import { FormatError } from '../formats/format-error.ts'
import { asObject, parseJson } from '../formats/json.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { print, printable, printJson } from './terminal.ts'

interface TraceOptions {
  readonly audit: string
  readonly output: 'text' | 'json'
}

/** `dragoman trace`: everything that was done in one transaction, from the edge to the partner, out of the audit log. */
export const createTraceCommand = (): Command =>
  new Command('trace')
    .argument('<id>', 'a txn, the jti of a token, a credential_id or a request_id')
    .addOption(new Option('--audit <file>', 'the audit log; - for standard input').env('DRAGOMAN_AUDIT').default('-'))
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Exits with 0 when anything was found, with 1 when not.

Examples:
  dragoman trace 01981f3e-7c1b-7aa5 --audit audit.jsonl     who caused this partner's call, and what else
  journalctl -u dragoman -o cat | dragoman trace TXN`,
    )
    .action(trace)

const trace = async (id: string, { audit, output }: TraceOptions): Promise<void> => {
  const events = await eventsIn(audit)
  const found = inTransaction(events, id)
  if (found.length === 0) throw new CommandError('no event of the audit log is about this id', exitCodes.failure)
  if (output === 'json') printJson(found)
  else print(found.map(lineOf).join('\n'))
}

/** The members by which an event can be asked for. */
const names = ['txn', 'jti', 'subject_token_jti', 'credential_id', 'request_id']

/** Events about `id`, and all that were in the same transaction. */
const inTransaction = (events: readonly Claims[], id: string): readonly Claims[] => {
  const named = events.filter((event) => names.some((name) => event[name] === id))
  const transactions = new Set(named.flatMap(({ txn }) => (typeof txn === 'string' ? [txn] : [])))
  return events.filter(
    (event) => named.includes(event) || (typeof event['txn'] === 'string' && transactions.has(event['txn'])),
  )
}

const eventsIn = async (file: string): Promise<readonly Claims[]> => {
  const input = file === '-' ? process.stdin : createReadStream(file)
  const events: Claims[] = []
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const event = eventOf(line)
      if (event?.['type'] === 'audit') events.push(event)
    }
  } catch (cause) {
    throw new CommandError(`the audit log ${printable(file)} cannot be read`, exitCodes.failure, { cause })
  }
  return events
}

/** A log may hold other lines too. */
const eventOf = (line: string): Claims | undefined => {
  if (!line.startsWith('{')) return undefined
  try {
    return asObject(parseJson(line))
  } catch (thrown) {
    if (thrown instanceof FormatError) return undefined
    throw thrown
  }
}

const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value
  const redacted = typeof value === 'object' && value !== null && 'redacted' in value ? value.redacted : undefined
  return typeof redacted === 'string' ? `(${redacted})` : undefined
}

/** One line: when, whose, through whom, and what for. */
const lineOf = (event: Claims): string => {
  const { time, decision, reason, subject, client, partner, egress, audience, actor } = event
  const whom = textOf(subject) ?? 'nobody'
  const acting = textOf(asObject(actor)?.['subject'])
  const host = textOf(asObject(egress)?.['host'])
  const target = Array.isArray(audience) ? audience.filter((one) => typeof one === 'string').join(', ') : undefined
  const goal =
    textOf(partner) === undefined
      ? `token for ${target ?? 'nobody'}`
      : `credential ${textOf(event['credential_id']) ?? '-'} of ${textOf(partner)}${host === undefined ? '' : ` for ${host}`}`
  const verdict = decision === 'granted' ? 'granted' : `refused (${textOf(reason) ?? 'internal'})`
  const words = [
    textOf(time) ?? '',
    verdict,
    `${whom}${acting === undefined ? '' : ` by ${acting}`}`,
    `through ${textOf(client) ?? 'nobody'}:`,
    goal,
    `txn ${textOf(event['txn']) ?? '-'}`,
  ]
  return printable(words.join('  '))
}
