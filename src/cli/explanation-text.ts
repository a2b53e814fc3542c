import type { ExplainedCheck, Explanation } from './explanation.ts'
import { type Paint, printable } from './terminal.ts'

const maxValueLength = 200

/** An explanation as a terminal shows it. Claims come from anywhere: nothing in them can move a cursor. */
export const explanationText = (explanation: Explanation, paint: Paint): string =>
  [
    headline(explanation, paint),
    ...explanation.checks.flatMap((check) => checkLines(check, paint)),
    ...closing(explanation, paint),
  ].join('\n')

const headline = ({ decision, reason, detail, requestId }: Explanation, paint: Paint): string => {
  const request = requestId === undefined ? '' : `  ${paint('dim', printable(`request ${requestId}`))}`
  if (decision === 'granted') return paint('green', 'granted') + request
  return `${paint('red', 'refused')}  ${paint('bold', reason ?? '')}${request}\n  ${printable(detail ?? '')}`
}

const checkLines = (check: ExplainedCheck, paint: Paint): readonly string[] => {
  const { stage, ok, rule, wanted, seen, at } = check
  const name = rule === undefined ? check.check : `${check.check} (rule ${rule})`
  const head = `  ${verdictText(check, paint)}  ${stage.padEnd(12)}  ${printable(name)}`
  if (ok && !isDocument(check) && isAsWanted(check))
    return [wanted === undefined ? head : `${head}: ${printable(shortened(wanted))}`]
  const line = (label: string, text: string) => `                        ${label.padEnd(6)}  ${printable(text)}`
  return [
    head,
    ...(wanted === undefined ? [] : [line('wanted', shortened(wanted))]),
    ...(seen === undefined ? [] : [line('seen', isDocument(check) ? documentText(seen) : seenText(seen))]),
    ...(ok || at === undefined ? [] : [paint('dim', line('at', at))]),
  ]
}

/** What was seen is the whole of what was signed, which nobody has wanted word for word. */
const isDocument = ({ check }: ExplainedCheck): boolean => check === 'signed'

/** Not shortened: whoever asks for it wants to read it. */
const documentText = (seen: NonNullable<ExplainedCheck['seen']>): string =>
  'value' in seen && typeof seen.value === 'string' ? seen.value : seenText(seen)

/** Nothing was seen that would say more than what was wanted. */
const isAsWanted = ({ seen, wanted }: ExplainedCheck): boolean =>
  seen === undefined || !('value' in seen) || JSON.stringify(seen.value) === wanted

/** A rule whose condition does not hold is no failure: the next one is tried. */
const verdictText = ({ ok, rule }: ExplainedCheck, paint: Paint): string => {
  if (ok) return paint('green', 'ok    ')
  return rule === undefined ? paint('red', 'failed') : paint('yellow', 'no    ')
}

const seenText = (seen: NonNullable<ExplainedCheck['seen']>): string => {
  if ('redacted' in seen) return '(not shown: no label makes it public; --reveal shows it)'
  return 'absent' in seen ? '(absent)' : shortened(JSON.stringify(seen.value))
}

const shortened = (text: string): string => (text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text)

const closing = (explanation: Explanation, paint: Paint): readonly string[] => {
  const { change, answer, wouldRefuse } = explanation
  const line = (label: string, text: string) => `  ${paint('bold', label.padEnd(7))} ${printable(text)}`
  return [
    ...(wouldRefuse === undefined
      ? []
      : [line('audit', `enforcing would refuse: ${wouldRefuse.reason}: ${wouldRefuse.detail}`)]),
    ...(explanation.nearest === undefined ? [] : [line('nearest', nearestText(explanation.nearest))]),
    ...(change.at.length === 0 ? [] : [line('change', change.at.join(', '))]),
    ...(change.advice === undefined ? [] : [line('advice', change.advice)]),
    ...(answer === undefined ? [] : [line('caller', `${answer.status} ${answer.error}: ${answer.description}`)]),
  ]
}

const nearestText = ({ rule, check }: ExplainedCheck): string =>
  rule === undefined ? check : `the rule ${rule}, by ${check.replace(/^rules\[\d+\]\.when\./, '')}`
