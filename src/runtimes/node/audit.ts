import type { Writable } from 'node:stream'
import type { Instant } from '../../domain/time.ts'
import type { Findings, Trace } from '../../domain/trace.ts'
import { findingsPart, requestPart } from '../../formats/audit-event.ts'
import type { Audit } from '../../ports/audit.ts'
import type { Clock } from '../../ports/clock.ts'
import { createLineWriter, jsonLine } from './lines.ts'

/** An audit log that can be brought to its end. */
export interface AuditLog extends Audit {
  /** Resolves when every record has been written; throws when some could not be. */
  close(): Promise<void>
}

/**
 * One JSON line an exchange. When lines cannot be written `record` throws, so that no exchange goes unrecorded.
 */
export const createAuditLog = (stream: Writable, clock: Clock): AuditLog => {
  const lines = createLineWriter(stream)
  return {
    record: (trace) => lines.write(`${requestText(trace, clock.now())}${findingsText(trace)}}`),
    close: () => lines.flush(),
  }
}

/** Both parts of an event have members of their own, and so they are written one after the other into one object. */
const requestText = (trace: Trace, at: Instant): string => jsonLine(requestPart(trace, at)).slice(0, -1)

/** What was found once stands in the events of all to whom the decision is given. */
const texts = new WeakMap<Findings, string>()

const findingsText = (trace: Trace): string => {
  const { reused } = trace
  if (reused === undefined) return memberText(trace)
  const text = texts.get(reused) ?? memberText(reused)
  texts.set(reused, text)
  return text
}

const memberText = (findings: Findings): string => {
  const text = jsonLine(findingsPart(findings)).slice(1, -1)
  return text === '' ? '' : `,${text}`
}
