import { PassThrough, Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { newTrace } from '../../domain/trace.ts'
import { createAuditLog } from './audit.ts'

const clock = { now: () => 1_800_000_001 }
const trace = (id: string, issuer = 'https://idp.example') => ({ ...newTrace(id, 1_800_000_000), issuer })

/** A stream that remembers each write. */
const recorder = () => {
  const writes: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      writes.push(String(chunk))
      setTimeout(done, 5)
    },
  })
  return { stream, writes }
}

describe('the audit log', () => {
  it('writes one line of JSON an exchange, those of one turn together', async () => {
    const { stream, writes } = recorder()
    const audit = createAuditLog(stream, clock)
    for (const id of ['a', 'b', 'c']) audit.record(trace(id))
    await audit.close()
    expect(writes).toHaveLength(1)
    const lines = (writes[0] ?? '').trimEnd().split('\n')
    const events: { request_id: string; type: string }[] = lines.map((line) => JSON.parse(line))
    expect(events.map(({ request_id: id }) => id)).toEqual(['a', 'b', 'c'])
    expect(events.every(({ type }) => type === 'audit')).toBe(true)
  })

  it('writes by itself, without being closed', async () => {
    const { stream, writes } = recorder()
    createAuditLog(stream, clock).record(trace('a'))
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(writes).toHaveLength(1)
  })

  it('is closed only when everything has been written', async () => {
    const written: string[] = []
    const slow = new Writable({
      write(chunk, _encoding, done) {
        setTimeout(() => {
          written.push(String(chunk))
          done()
        }, 40)
      },
    })
    const audit = createAuditLog(slow, clock)
    audit.record(trace('a'))
    await new Promise((resolve) => setImmediate(resolve))
    audit.record(trace('b'))
    await audit.close()
    expect(written.join('').trimEnd().split('\n')).toHaveLength(2)
  })

  it('cannot be made to show a second line, a colour or another direction', async () => {
    const { stream, writes } = recorder()
    const audit = createAuditLog(stream, clock)
    const hostile = 'x\n{"type":"audit"}\r\u001b[31m\u009b2J\u2028\u202e\u0000y'
    audit.record(trace('a', hostile))
    await audit.close()
    const line = writes.join('')
    expect(line.trimEnd()).toMatch(/^[\x20-\x7e]+$/)
    const event: { issuer: string } = JSON.parse(line)
    expect(event.issuer).toBe(hostile)
  })

  it('throws once its stream is broken, and does not end the process', async () => {
    const broken = new Writable({
      write(_chunk, _encoding, done) {
        done(new Error('no space left'))
      },
    })
    const audit = createAuditLog(broken, clock)
    audit.record(trace('a'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(() => audit.record(trace('b'))).toThrow('could not be written')
    await expect(audit.close()).rejects.toThrow()
  })

  it('throws rather than hold without end what nobody reads', () => {
    const audit = createAuditLog(new PassThrough({ highWaterMark: 1 }), clock)
    const flood = () => {
      for (let round = 0; round < 20_000; round++) audit.record(trace('a', 'x'.repeat(1_000)))
    }
    expect(flood).toThrow('too many lines wait')
  })
})
