import type { Writable } from 'node:stream'
import type { Json } from '../../domain/claims.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import { jsonLine, plainText } from './lines.ts'

type Fields = Readonly<Record<string, Json>>

/** Messages as JSON lines, for machines that gather them. A message that cannot be written is lost. */
export const createJsonLog = (stream: Writable, clock: Clock): Log => {
  outliveFaults(stream)
  const write = (level: string, message: string, fields: Fields = {}): void => {
    const time = new Date(clock.now() * 1_000).toISOString()
    stream.write(`${jsonLine({ ...fields, time, type: 'log', level, message })}\n`)
  }
  return {
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
  }
}

/** Messages as plain lines, for a person at a terminal. */
export const createPlainLog = (stream: Writable): Log => {
  outliveFaults(stream)
  const write = (prefix: string, message: string, fields: Fields = {}): void => {
    const details = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`)
    stream.write(`${plainText([prefix + message, ...details].join(' '))}\n`)
  }
  return {
    info: (message, fields) => write('', message, fields),
    warn: (message, fields) => write('warning: ', message, fields),
  }
}

/** A log that nobody reads any more is no reason to stop serving. */
const outliveFaults = (stream: Writable): void => {
  stream.on('error', () => undefined)
}

const shown = (value: Json): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
