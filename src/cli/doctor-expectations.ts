import { FormatError } from '../formats/format-error.ts'
import { identityHeaders } from '../formats/gateway-decision-settings.ts'
import { requestPath } from '../formats/request-path.ts'
import type { Answer, Header } from './doctor-call.ts'
import type { Arrival } from './doctor-echo.ts'

/** What may become of a request on its way through a gateway, and what may not. All of it is pure. */

/** One request of a probe, and what of it must not be found behind the gateway. */
export interface Shot {
  /** A word or two for the report. */
  readonly what: string
  /** A stranger has no credential of the client. */
  readonly by: 'client' | 'stranger'
  readonly method: string
  /** What follows the id in the path. */
  readonly tail: string
  /** Its header lines, raw; they may be no proper headers at all. */
  readonly lines: readonly string[]
  readonly marks: readonly string[]
}

/** What became of it. `unknown`: nobody can tell; and `isFinal`, it will be the same next time. */
export type Outcome =
  | { readonly kind: 'arrived'; readonly arrivals: readonly Arrival[]; readonly answer?: Answer }
  | { readonly kind: 'turned away'; readonly status?: number }
  | { readonly kind: 'unknown'; readonly why: string; readonly isFinal?: true }

export type Decided = Exclude<Outcome, { kind: 'unknown' }>

/** `wrong`: nothing leaked, and yet it is not as it must be. */
export type Result = 'ok' | 'refused' | 'leaked' | 'wrong' | 'inconclusive'

/** `items` are header names or the names of shots; never a value. */
export interface Verdict {
  readonly result: Result
  readonly phrase: string
  readonly items: readonly string[]
}

/** What is known of the gateway and of those behind it. */
export interface Scene {
  /** How a good request arrives. */
  readonly good: Arrival
  /** The client's own credential; undefined where none was given. */
  readonly token: string | undefined
  /** Where the services look for our token, lower-case. */
  readonly tokenHeaders: readonly string[]
  /** The fields that the services or we believe when a gateway sends them, lower-case. */
  readonly believed: ReadonlySet<string>
}

export type Expectation = (shot: Shot, outcome: Decided, scene: Scene) => Verdict

/** The identity that dragoman gives gateways to pass on, beside its token. */
export const identityNames: readonly string[] = Object.values(identityHeaders)

const identity = identityNames.map((name) => name.toLowerCase())

const verdict = (result: Result, phrase: string, items: readonly string[] = []): Verdict => ({ result, phrase, items })

/** The names of `headers` that hold one of `marks`. */
const namesWith = (headers: readonly Header[], marks: readonly string[]): readonly string[] =>
  headers.filter(([, value]) => marks.some((mark) => value.includes(mark))).map(([name]) => name)

/**
 * `name` as it is read by services that take every character which is no letter and no digit for the same one: CGI and
 * all that stem from it.
 */
const plain = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '-')

const valuesOf = ({ headers }: Arrival, name: string): readonly string[] =>
  headers.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value)

const refused = (outcome: Extract<Decided, { kind: 'turned away' }>): Verdict =>
  verdict('refused', 'turned away with', [outcome.status === undefined ? 'no answer' : String(outcome.status)])

const nothingCame = verdict('ok', 'nothing of it reached the service')

/** As we write it for a request without a credential, where `anonymous: pass` lets it in. */
const isAnonymous = (arrival: Arrival, { tokenHeaders }: Scene): boolean => {
  const subjects = valuesOf(arrival, 'x-dragoman-subject')
  const tokens = tokenHeaders.flatMap((name) => valuesOf(arrival, name))
  return (
    subjects.length + tokens.length > 0 &&
    subjects.every((subject) => subject === 'anonymous') &&
    tokens.every((token) => token === 'Anonymous')
  )
}

/** It arrives or not; what it made up does not, under no name that anybody believes. */
export const keptOut: Expectation = ({ marks }, outcome, { believed }) => {
  if (outcome.kind === 'turned away') return refused(outcome)
  const names = outcome.arrivals.flatMap(({ headers }) => namesWith(headers, marks))
  const leaked = names.filter((name) => believed.has(plain(name)))
  return leaked.length === 0 ? nothingCame : verdict('leaked', 'reached the service', leaked)
}

/** The same under any name at all. */
export const goneAltogether: Expectation = ({ marks }, outcome) => {
  if (outcome.kind === 'turned away') return refused(outcome)
  const leaked = outcome.arrivals.flatMap(({ headers }) => namesWith(headers, marks))
  return leaked.length === 0 ? nothingCame : verdict('leaked', 'reached the service', leaked)
}

/** It does not arrive, unless as anonymous. */
export const turnedAway: Expectation = ({ what }, outcome, scene) => {
  if (outcome.kind === 'turned away') return refused(outcome)
  return outcome.arrivals.every((arrival) => isAnonymous(arrival, scene))
    ? verdict('ok', 'came through as anonymous')
    : verdict('leaked', 'came through', [what])
}

/** The same, and by an answer that does not blame the gateway. */
export const turnedAwayAsTheClientsFault: Expectation = (shot, outcome, scene) =>
  outcome.kind === 'turned away' && outcome.status !== undefined && outcome.status >= 500
    ? verdict('wrong', `answered ${outcome.status}`, [shot.what])
    : turnedAway(shot, outcome, scene)

/** It arrives: what it adds to a good request is for nobody. */
export const letThrough: Expectation = ({ what }, outcome) =>
  outcome.kind === 'arrived' ? verdict('ok', 'made no difference') : verdict('wrong', 'turned away because of', [what])

/** It does not arrive in a spelling that its readers take for different paths. */
export const pathPlain: Expectation = ({ what }, outcome) => {
  if (outcome.kind === 'turned away') return refused(outcome)
  return outcome.arrivals.some(({ target }) => isAmbiguous(target))
    ? verdict('leaked', 'came through', [what])
    : verdict('ok', 'came through in one plain spelling')
}

/** Dragoman refuses such paths, so it was asked about another one, or not at all. */
const isAmbiguous = (target: string): boolean => {
  try {
    requestPath(target)
    return false
  } catch (thrown) {
    if (thrown instanceof FormatError) return true
    throw thrown
  }
}

/** It arrives with a whole identity of ours. */
export const identified: Expectation = (_, outcome, scene) => {
  if (outcome.kind === 'turned away') return verdict('inconclusive', 'a good request was turned away')
  const [arrival = scene.good] = outcome.arrivals
  const present = identity.filter((name) => valuesOf(arrival, name).length > 0)
  const told = [...tokensOfOurs(arrival, scene), ...present]
  if (told.length === 0) return verdict('wrong', 'nothing of dragoman reached the service')
  if (scene.token !== undefined && isAnonymous(arrival, scene))
    return verdict('wrong', 'came through as anonymous, though it had a token')
  const faulty = told.filter((name) => valuesOf(arrival, name).length > 1 || valuesOf(arrival, name).some(isNoValue))
  if (faulty.length > 0) return verdict('wrong', 'empty, repeated or a placeholder at the service', faulty)
  const missing = present.length === 0 ? [] : identityNames.filter((name) => !present.includes(name.toLowerCase()))
  if (missing.length > 0) return verdict('wrong', 'missing at the service', missing)
  return verdict('ok', 'reached the service', spelledIn(arrival, told))
}

/** The headers that hold a token, and not the client's own. */
const tokensOfOurs = (arrival: Arrival, { token, tokenHeaders }: Scene): readonly string[] =>
  tokenHeaders.filter((name) => {
    const values = valuesOf(arrival, name)
    return values.length > 0 && !values.some((value) => token !== undefined && value.includes(token))
  })

/** Some gateways write the name of what they have no value for. */
const isNoValue = (value: string): boolean => /^\s*$|[{}]|^\$/.test(value)

const spelledIn = ({ headers }: Arrival, names: readonly string[]): readonly string[] =>
  headers.map(([name]) => name).filter((name) => names.includes(name.toLowerCase()))

/** What we told the gateway stays behind it. */
export const keptFromTheClient: Expectation = (_, outcome, scene) => {
  if (outcome.kind === 'turned away') return verdict('inconclusive', 'a good request was turned away')
  if (outcome.answer === undefined) return verdict('inconclusive', 'the gateway did not answer')
  const tokens = outcome.arrivals.flatMap((arrival) =>
    tokensOfOurs(arrival, scene).flatMap((name) => valuesOf(arrival, name).map(withoutScheme)),
  )
  const { headers } = outcome.answer
  const secrets = tokens.filter((token) => token.length >= 16)
  const ours = headers.map(([name]) => name).filter((name) => isOurs(name.toLowerCase()))
  const leaked = [...namesWith(headers, secrets), ...ours]
  return leaked.length === 0
    ? verdict('ok', 'nothing of it is in the answer to the client')
    : verdict('leaked', 'in the answer to the client', leaked)
}

const isOurs = (name: string): boolean => identity.includes(name) || name === 'txn-token'

const withoutScheme = (value: string): string => value.replace(/^[A-Za-z]+ +/, '')

/** The identity arrives that a good request arrives with, or the request does not. */
export const identifiedAsEver: Expectation = (_, outcome, { good, tokenHeaders }) => {
  if (outcome.kind === 'turned away') return refused(outcome)
  const names = [...tokenHeaders, ...identity].filter((name) => valuesOf(good, name).length > 0)
  const missing = names.filter((name) => outcome.arrivals.some((arrival) => valuesOf(arrival, name).length === 0))
  return missing.length === 0
    ? verdict('ok', 'made no difference')
    : verdict('wrong', 'missing at the service', spelledIn(good, missing))
}

const ranks: readonly Result[] = ['refused', 'ok', 'inconclusive', 'wrong', 'leaked']

/** The verdict on all shots of a probe: the worst of theirs. */
export const worstOf = (
  verdicts: readonly Verdict[],
): { readonly result: Result; readonly told: readonly Verdict[] } => {
  const result = ranks.findLast((rank) => verdicts.some((one) => one.result === rank)) ?? 'inconclusive'
  const same = verdicts.filter((one) => one.result === result)
  const phrases = [...new Set(same.map(({ phrase }) => phrase))]
  const itemsOf = (phrase: string) => [
    ...new Set(same.filter((one) => one.phrase === phrase).flatMap(({ items }) => items)),
  ]
  return { result, told: phrases.map((phrase) => verdict(result, phrase, itemsOf(phrase))) }
}
