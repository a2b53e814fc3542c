import type { Trace } from '../domain/trace.ts'

/** Receives the finished record of every exchange, granted or refused. */
export interface Audit {
  record(trace: Trace): void
}
