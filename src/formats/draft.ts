import type { Fault, Location } from '../domain/fault.ts'
import { type DocumentPath, type ParsedDocument, pathText } from './documents.ts'
import { didYouMean } from './suggest.ts'

/** A document while it is checked against others: knows where things stand and collects what is wrong. */
export interface Draft {
  readonly faults: Fault[]
  locate(path: DocumentPath, part?: 'key' | 'value'): Location
  report(path: DocumentPath, message: string, fix?: string): void
  /** `word` at `path` names a `what` that is none of `known`. */
  reportUnknown(path: DocumentPath, what: string, word: string, known: readonly string[]): void
}

export const newDraft = (document: ParsedDocument): Draft => {
  const faults: Fault[] = []
  const report: Draft['report'] = (path, message, fix) => {
    const location = document.locate(path)
    faults.push({ location, path: pathText(path), message, ...(fix === undefined ? {} : { fix }) })
  }
  return {
    faults,
    report,
    locate: (path, part) => document.locate(path, part),
    reportUnknown: (path, what, word, known) =>
      report(path, `there is no ${what} ${JSON.stringify(word)}`, didYouMean(word, known)),
  }
}
