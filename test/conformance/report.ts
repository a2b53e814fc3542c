/** What came of one case. */
export type Verdict =
  | { readonly id: string; readonly kind: 'right' }
  | { readonly id: string; readonly kind: 'falseAccept' | 'falseReject'; readonly why: string }
  | { readonly id: string; readonly kind: 'skipped'; readonly why: string }

/** A verdict and whether it took longer than its case allows. */
export type Timed = Verdict & { readonly slow: boolean }

export const right = (id: string): Verdict => ({ id, kind: 'right' })
export const skipped = (id: string, why: string): Verdict => ({ id, kind: 'skipped', why })
export const falseAccept = (id: string, why: string): Verdict => ({ id, kind: 'falseAccept', why })
export const falseReject = (id: string, why: string): Verdict => ({ id, kind: 'falseReject', why })

/** The one line that is printed for a file. */
export interface Report {
  readonly file: string
  readonly format: string
  readonly cases: number
  readonly right: number
  readonly falseAccepts: readonly string[]
  readonly falseRejects: readonly string[]
  readonly slow: readonly string[]
  readonly skipped: readonly { readonly id: string; readonly reason: string }[]
  /** Where the cases were judged, if not on Node alone, and how many were answered as on Node. */
  readonly runtime?: string
  readonly equalToNode?: number
}

export const reportOf = (file: string, format: string, verdicts: readonly Timed[]): Report => ({
  file,
  format,
  cases: verdicts.length,
  right: verdicts.filter(({ kind }) => kind === 'right').length,
  falseAccepts: verdicts.filter(({ kind }) => kind === 'falseAccept').map(({ id }) => id),
  falseRejects: verdicts.filter(({ kind }) => kind === 'falseReject').map(({ id }) => id),
  slow: verdicts.filter(({ slow }) => slow).map(({ id }) => id),
  skipped: verdicts.flatMap((verdict) => (verdict.kind === 'skipped' ? [{ id: verdict.id, reason: verdict.why }] : [])),
})

/** Runs `judge` and holds it to its time. */
export const timed = async (limitMs: number | undefined, judge: () => Promise<Verdict>): Promise<Timed> => {
  const startedAt = performance.now()
  const verdict = await judge()
  return { ...verdict, slow: limitMs !== undefined && performance.now() - startedAt > limitMs }
}
