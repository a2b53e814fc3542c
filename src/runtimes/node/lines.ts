import type { Writable } from 'node:stream'
import type { Json } from '../../domain/claims.ts'
import type { AuditEvent } from '../../formats/audit-event.ts'

/** Writes lines of text to a stream, those of one turn of the event loop or of a few milliseconds together. */
export interface LineWriter {
  /** @throws Error when earlier lines could not be written or too many are waiting */
  write(line: string): void
  /** Resolves when everything written so far has left the process; throws when it could not. */
  flush(): Promise<void>
}

/** How many characters may wait for a reader that does not read. */
const maxWaiting = 16 * 1_048_576

/**
 * How long lines are gathered when the last ones have only just been sent, in milliseconds. A write costs as much as a
 * decision that is given again.
 */
const gathering = 5

/** Lines for `stream`, which stays open. A broken stream does not end the process; it makes the next write throw. */
export const createLineWriter = (stream: Writable): LineWriter => {
  let gathered = ''
  let scheduled = false
  let sentAt = Number.NEGATIVE_INFINITY
  let fault: Error | undefined
  stream.on('error', (error) => {
    fault ??= error
  })

  const send = (): Promise<void> => {
    const text = gathered
    gathered = ''
    sentAt = performance.now()
    return new Promise((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()))
    })
  }

  const sendGathered = (): void => {
    scheduled = false
    if (gathered === '') return
    send().catch((error: unknown) => {
      fault ??= error instanceof Error ? error : new Error('the stream is broken')
    })
  }

  const requireSound = (): void => {
    if (fault !== undefined) throw new Error('the lines before could not be written', { cause: fault })
  }

  return {
    write(line) {
      requireSound()
      if (gathered.length + stream.writableLength > maxWaiting) throw new Error('too many lines wait to be written')
      gathered += `${line}\n`
      if (scheduled) return
      scheduled = true
      if (performance.now() - sentAt < gathering) setTimeout(sendGathered, gathering)
      else setImmediate(sendGathered)
    },

    async flush() {
      await send()
      requireSound()
    },
  }
}

/** JSON on one line that a terminal or a line-based reader cannot take for anything but text. */
export const jsonLine = (value: Json | AuditEvent): string => {
  const text = JSON.stringify(value)
  return beyondAscii.test(text) ? text.replace(unsafe, escaped) : text
}

/** JSON text has its control characters escaped already, but for the last one of ASCII. */
const beyondAscii = /[^\x20-\x7e]/

/** `text` without anything that would move a cursor, change a colour or break the line. */
export const plainText = (text: string): string => text.replace(unsafe, escaped)

/** Control characters, line and paragraph separators, and what changes the direction of writing. */
const unsafe = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
