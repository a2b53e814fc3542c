import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createJsonLog, createPlainLog } from './log.ts'

const clock = { now: () => 1_800_000_000.25 }

/** Everything that was written to the stream and not read yet. */
const readAll = (stream: PassThrough): string => {
  const chunks: string[] = []
  for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk.toString())
  return chunks.join('')
}

describe('the log for machines', () => {
  it('is one JSON object a line', () => {
    const stream = new PassThrough()
    const log = createJsonLog(stream, clock)
    log.info('started', { port: 8080 })
    log.warn('the keys stay\nas they were', { level: 'x', because: '\u009b2J' })
    const lines = readAll(stream).trimEnd().split('\n')
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      { time: '2027-01-15T08:00:00.250Z', type: 'log', level: 'info', message: 'started', port: 8080 },
      {
        time: '2027-01-15T08:00:00.250Z',
        type: 'log',
        level: 'warn',
        message: 'the keys stay\nas they were',
        because: '\u009b2J',
      },
    ])
    expect(lines.join('')).toMatch(/^[\x20-\x7e]+$/)
  })
})

describe('the log for people', () => {
  it('is one plain line a message', () => {
    const stream = new PassThrough()
    const log = createPlainLog(stream)
    log.info('ready', { url: 'http://127.0.0.1:1', maps: 3 })
    log.warn('slow', { because: 'two words', escape: '\u001b[31m', list: ['a'] })
    expect(readAll(stream).trimEnd().split('\n')).toEqual([
      'ready url=http://127.0.0.1:1 maps=3',
      'warning: slow because="two words" escape=\\u001b[31m list=["a"]',
    ])
  })

  it('keeps a message with line breaks on one line', () => {
    const stream = new PassThrough()
    createPlainLog(stream).info('a\nb\u202ec')
    expect(readAll(stream)).toBe('a\\u000ab\\u202ec\n')
  })
})

describe('either log', () => {
  it('outlives its stream', () => {
    for (const create of [(stream: PassThrough) => createJsonLog(stream, clock), createPlainLog]) {
      const stream = new PassThrough()
      const log = create(stream)
      stream.destroy(new Error('gone'))
      expect(() => log.info('still here')).not.toThrow()
    }
  })
})
