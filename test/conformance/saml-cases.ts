import * as z from 'zod'
import type { SamlSetting, TrustedProvider } from '../runtimes/saml-documents.ts'
import { createSamlAnswerer, type SamlAnswer, type SamlQuestion } from '../runtimes/saml-question.ts'
import { nodePlatform } from '../world/place.ts'
import { judged, type Posed, type Unposed } from './posed.ts'
import { falseAccept, falseReject, right, type Timed, type Verdict } from './report.ts'

/**
 * dragoman-saml-cases/1: one document under the identity providers, audience, recipient and clock of the file's header.
 * A certificate that no map can be opened with is left out, as its operator would have to.
 */

const samlCase = z.looseObject({
  id: z.string(),
  kind: z.string(),
  expected: z.enum(['accept', 'reject', 'reject_or_alice']),
  xml_b64: z.string().optional(),
  expected_subject: z.string().nullish(),
  must_not_yield: z.unknown().optional(),
  now: z.unknown().optional(),
  audience: z.unknown().optional(),
  recipient: z.unknown().optional(),
  or_accept: z.unknown().optional(),
  or_reject: z.unknown().optional(),
  requires: z.unknown().optional(),
  repeat: z.unknown().optional(),
  time_limit_ms: z.number().default(2_000),
})

const samlFile = z.looseObject({
  now: z.iso.datetime({ offset: true }),
  clock_skew_s: z.number().default(60),
  profile: z.looseObject({
    audience: z.string(),
    recipient: z.string(),
    sub: z.string(),
    evil: z.string().optional(),
  }),
  trusted: z.array(z.looseObject({ issuer: z.string(), certs_pem: z.array(z.string()) })),
  cases: z.array(samlCase),
})

type SamlCase = z.output<typeof samlCase>
type SamlFile = z.output<typeof samlFile>

/** Judges every case of the file `content`. */
export const runSamlCases = async (content: unknown): Promise<readonly Timed[]> => {
  const verdicts: Timed[] = []
  for (const one of await posedAssertions(content))
    verdicts.push(await judged(one, async ({ here, judge }) => judge(await here())))
  return verdicts
}

/** Every case of the file `content`. */
export const posedAssertions = async (content: unknown): Promise<readonly (Posed | Unposed)[]> => {
  const file = samlFile.parse(content)
  const { answerTo } = await createSamlAnswerer(nodePlatform())
  return file.cases.map((one) => {
    const question = questionOf(one, file)
    if (typeof question === 'string') return { id: one.id, why: question }
    return {
      id: one.id,
      limitMs: one.time_limit_ms,
      question,
      here: () => answerTo(question),
      judge: (answer) => verdictOn(one, samlAnswer.parse(answer), file),
    }
  })
}

/** Text: why it cannot be asked. */
const questionOf = (one: SamlCase, file: SamlFile): SamlQuestion | string => {
  const { kind, xml_b64, requires, repeat } = one
  if (requires !== undefined) return `requires ${JSON.stringify(requires)}`
  if (repeat !== undefined) return `repeat ${JSON.stringify(repeat)}: not a single presentation`
  if (kind !== 'assertion' && kind !== 'response') return `documents of the kind ${kind} are not known`
  if (xml_b64 === undefined) return 'the case has no document'
  return { kind, document: Buffer.from(xml_b64, 'base64').toString('base64'), setting: settingOf(one, file) }
}

const settingOf = ({ now, audience, recipient }: SamlCase, file: SamlFile): SamlSetting => ({
  providers: providersIn(file),
  now: Date.parse(textOr(now, file.now)) / 1_000,
  clockSkew: file.clock_skew_s,
  audience: textOr(audience, file.profile.audience),
  recipient: textOr(recipient, file.profile.recipient),
})

/** One each, whose certificates may stand in several places. */
const providersIn = ({ trusted }: SamlFile): readonly TrustedProvider[] =>
  [...Map.groupBy(trusted, ({ issuer }) => issuer)].map(([entityID, entries]) => ({
    entityID,
    certificates: entries.flatMap(({ certs_pem }) => certs_pem),
  }))

const textOr = (own: unknown, usual: string): string => (typeof own === 'string' ? own : usual)

const endpointAnswer = z.strictObject({ status: z.number(), error: z.string().exactOptional() })

const samlAnswer: z.ZodType<SamlAnswer> = z.union([
  z.strictObject({
    accepted: z.literal(true),
    subject: z.string(),
    read: z.unknown(),
    endpoint: endpointAnswer.exactOptional(),
    outbound: z.number(),
  }),
  z.strictObject({
    accepted: z.literal(false),
    fault: z.string(),
    endpoint: endpointAnswer.exactOptional(),
    outbound: z.number(),
  }),
])

const verdictOn = (one: SamlCase, answer: SamlAnswer, file: SamlFile): Verdict => {
  if (answer.outbound > 0) return falseAccept(one.id, 'an outbound request was attempted')
  return answer.accepted ? judgeAccepted(one, answer, file) : judgeRefused(one, answer)
}

const allows = (flag: unknown) => flag !== undefined && flag !== false

const judgeAccepted = (one: SamlCase, answer: SamlAnswer & { accepted: true }, { profile }: SamlFile): Verdict => {
  const genuine = one.expected_subject ?? profile.sub
  if (one.expected === 'reject' && !allows(one.or_accept)) return falseAccept(one.id, `accepted as ${answer.subject}`)
  if (answer.subject !== genuine) return falseAccept(one.id, `accepted as ${answer.subject}, not as ${genuine}`)
  const readable = textsIn(answer.read, Object.entries)
  const forbidden = textsIn([one.must_not_yield, profile.evil], Object.values)
  const yielded = forbidden.filter((evil) => readable.some((text) => text.includes(evil)))
  if (yielded.length > 0) return falseAccept(one.id, `accepted, and rules can read ${yielded.join(', ')}`)
  return right(one.id)
}

/** Every text in there that says something; of objects, what `partsOf` takes from them. */
const textsIn = (value: unknown, partsOf: (object: object) => readonly unknown[]): readonly string[] => {
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (typeof value !== 'object' || value === null) return []
  const parts = Array.isArray(value) ? value : partsOf(value)
  return parts.flatMap((part: unknown) => textsIn(part, partsOf))
}

const judgeRefused = (one: SamlCase, { fault, endpoint }: SamlAnswer & { accepted: false }): Verdict => {
  if (endpoint?.status === 200) return falseAccept(one.id, `a token was issued in spite of ${fault}`)
  if (one.expected === 'accept' && !allows(one.or_reject)) return falseReject(one.id, fault)
  if (endpoint !== undefined && endpoint.error !== 'invalid_request')
    return falseReject(one.id, `answered ${JSON.stringify(endpoint)}, wanted invalid_request`)
  return right(one.id)
}
