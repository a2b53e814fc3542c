import type { Answer } from './doctor-call.ts'
import type { Finding } from './doctor-examination.ts'
import type { Result, Verdict } from './doctor-expectations.ts'
import type { Remedy } from './doctor-fix.ts'
import { fixFor, type GatewayKind, gatewayKinds } from './doctor-fixes.ts'
import { type Paint, printable, type Style } from './terminal.ts'

/** What the doctor found. */
export interface Report {
  readonly gateway: string
  /** What kind of gateway it is, if anybody knows. */
  readonly kind: GatewayKind | undefined
  readonly findings: readonly Finding[]
  /** Probes whose findings are meant to be so. */
  readonly accepted: readonly string[]
}

/** The kind that an answer looks like: some gateways say who they are. */
export const kindOf = (answer: Answer | undefined): GatewayKind | undefined => {
  const said = (answer?.headers ?? []).filter(([name]) => /^(server|via)$/i.test(name)).map(([, value]) => value)
  const known: readonly (readonly [RegExp, GatewayKind])[] = [
    [/apisix/i, 'apisix'],
    [/envoy/i, 'envoy'],
    [/caddy/i, 'caddy'],
    [/^nginx/i, 'nginx'],
  ]
  return known.find(([pattern]) => said.some((value) => pattern.test(value)))?.[1]
}

const isAccepted = ({ accepted }: Report, { probe }: Finding): boolean => accepted.includes(probe.name)

/** Leaks and what is wrong, but for what is accepted. */
export const faultsIn = (report: Report): readonly Finding[] =>
  report.findings.filter((finding) => ['leaked', 'wrong'].includes(finding.result) && !isAccepted(report, finding))

/** What nobody can tell, but for what is accepted. */
export const undecidedIn = (report: Report): readonly Finding[] =>
  report.findings.filter((finding) => finding.result === 'inconclusive' && !isAccepted(report, finding))

/** What helps against some of the faults. */
interface Cure {
  readonly probes: readonly string[]
  readonly fixFor: (kind: GatewayKind | undefined) => string
}

const curesIn = (report: Report): readonly Cure[] => {
  const faults = faultsIn(report)
  const remedies = [...new Set(faults.map(({ probe }) => probe.remedy))]
  return remedies.map((remedy) => cureBy(remedy, faults))
}

const cureBy = (remedy: Remedy, faults: readonly Finding[]): Cure => {
  const cured = faults.filter(({ probe }) => probe.remedy === remedy)
  const items = cured.flatMap(({ told }) => told.flatMap((verdict) => verdict.items))
  return { probes: cured.map(({ probe }) => probe.name), fixFor: (kind) => fixFor(kind, remedy, items) }
}

/** As a terminal shows it. */
export const reportText = (report: Report, paint: Paint): string => {
  const { gateway, kind, findings } = report
  const cures = curesIn(report)
  const heading = kind === undefined ? 'What to change' : `What to change at ${kind}`
  return [
    paint('bold', printable(gateway)),
    ...findings.flatMap((finding) => findingLines(report, finding, paint)),
    ...(cures.length === 0 ? [] : ['', paint('bold', heading)]),
    ...cures.flatMap((cure) => cureLines(cure, kind)),
    ...(cures.length === 0 || kind !== undefined ? [] : [`As configuration: --kind ${gatewayKinds.join(' | ')}`]),
    '',
    summaryOf(report),
  ].join('\n')
}

const styles: Readonly<Record<Result, Style>> = {
  ok: 'green',
  refused: 'green',
  leaked: 'red',
  wrong: 'red',
  inconclusive: 'yellow',
}

const findingLines = (report: Report, finding: Finding, paint: Paint): readonly string[] => {
  const { probe, result, told } = finding
  const text = told.map(toldText).join('; ')
  const accepted = isAccepted(report, finding) ? ' (accepted)' : ''
  const head = `  ${paint(styles[result], result.padEnd(12))}  ${probe.name.padEnd(19)}  ${printable(text)}${accepted}`
  const why = `  ${' '.repeat(12)}  ${`(${probe.severity})`.padEnd(19)}  ${probe.why}`
  return faultsIn(report).includes(finding) ? [head, why] : [head]
}

/** So many names a reader takes in; `-o json` has them all. */
const maxShown = 8

const toldText = ({ phrase, items }: Verdict): string => {
  if (items.length === 0) return phrase
  const more = items.length > maxShown ? ` and ${items.length - maxShown} more` : ''
  return `${phrase}: ${items.slice(0, maxShown).join(', ')}${more}`
}

const cureLines = (cure: Cure, kind: GatewayKind | undefined): readonly string[] => {
  const [first = '', ...others] = printable(cure.fixFor(kind)).split('\n')
  return [`  ${cure.probes.join(', ')}`, `    ${first}`, ...others.map((line) => `      ${line}`)]
}

const summaryOf = ({ findings, accepted }: Report): string => {
  const count = (result: Result) => findings.filter((finding) => finding.result === result).length
  const results = ['leaked', 'wrong', 'inconclusive', 'ok', 'refused'] as const
  const counts = results.map((result) => `${count(result)} ${result}`).join(', ')
  return accepted.length === 0 ? counts : `${counts}; accepted: ${accepted.join(', ')}`
}

/** As programs read it. */
export const reportValue = (report: Report) => ({
  gateway: report.gateway,
  ...(report.kind === undefined ? {} : { kind: report.kind }),
  results: report.findings.map((finding) => ({
    probe: finding.probe.name,
    result: finding.result,
    severity: finding.probe.severity,
    ...(isAccepted(report, finding) ? { accepted: true } : {}),
    told: finding.told.map(({ phrase, items }) => ({ phrase, items })),
    ...(faultsIn(report).includes(finding) ? { why: finding.probe.why } : {}),
  })),
  changes: curesIn(report).map((cure) => ({
    probes: cure.probes,
    inWords: cure.fixFor(undefined),
    fixes: Object.fromEntries(
      (report.kind === undefined ? gatewayKinds : [report.kind]).map((kind) => [kind, cure.fixFor(kind)]),
    ),
  })),
})
