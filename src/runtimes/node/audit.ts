import type { Writable } from 'node:stream'
import { auditEvent } from '../../formats/audit-event.ts'
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
    record: (trace) => lines.write(jsonLine(auditEvent(trace, clock.now()))),
    close: () => lines.flush(),
  }
}
