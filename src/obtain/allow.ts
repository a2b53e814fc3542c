import type { Claims } from '../domain/claims.ts'
import type { Client } from '../domain/client.ts'
import type { CanonicalIdentity } from '../domain/identity.ts'
import type { OriginalRequest } from '../domain/original-request.ts'
import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type { Trace } from '../domain/trace.ts'
import { type Expression, type Facts, isTrue } from '../expressions/expression.ts'
import { identityFacts } from '../expressions/identity-facts.ts'
import { matcherOf } from '../formats/pattern.ts'
import type { AllowRule } from './partner-document.ts'
import type { PreparedPartner } from './prepared-partner.ts'

/** Who asks for the credential of a partner, and for which request. */
export interface Applicant {
  readonly identity: CanonicalIdentity
  readonly client: Pick<Client, 'id' | 'method'>
  /** The request that is on its way out; absent at the token endpoint. */
  readonly request?: OriginalRequest
  /** The name of the gateway that asks. */
  readonly gateway?: string
}

/**
 * May this identity have the partner's credential? One entry of `allow` must hold with everything that it says; an
 * expression that cannot be computed does not hold.
 *
 * @throws Refusal `partner.not_allowed`
 */
export const requireAllowed = (
  partner: Pick<PreparedPartner, 'name' | 'mode' | 'allow'>,
  applicant: Applicant,
  now: Instant,
  trace: Trace,
): void => {
  if (partner.mode === 'disabled') throw new Refusal('partner.not_allowed', `the partner ${partner.name} is disabled`)
  const facts = factsOf(applicant, now)
  const speaks = partner.allow.some((rule, index) => holds(rule, index, applicant, facts, trace))
  if (speaks) return
  const messages = partner.allow.flatMap(({ message }) => (message === undefined ? [] : [message]))
  const why = partner.allow.length === 0 ? 'it allows nobody' : messages.join('; ')
  throw new Refusal(
    'partner.not_allowed',
    `no entry of allow of the partner ${partner.name} holds for this identity${why === '' ? '' : `: ${why}`}`,
  )
}

const nothing: Claims = {}

const factsOf = ({ identity, client, request, gateway }: Applicant, now: Instant): Facts => ({
  claims: nothing,
  header: nothing,
  actor: nothing,
  client: { id: client.id, method: client.method },
  request: request === undefined ? nothing : requestFacts(request),
  gateway: gateway === undefined ? nothing : { name: gateway },
  identity: identityFacts(identity),
  now: BigInt(Math.floor(now)),
})

const requestFacts = ({ method, scheme, host, port, path }: OriginalRequest): Claims => ({
  method,
  host,
  path,
  ...(scheme === undefined ? {} : { scheme }),
  ...(port === undefined ? {} : { port }),
})

const holds = (rule: AllowRule, index: number, { identity }: Applicant, facts: Facts, trace: Trace): boolean => {
  const ok =
    isAmong(rule.subjects, [identity.subject.value]) &&
    isAmong(rule.groups, identity.groups?.value ?? []) &&
    isSatisfied(rule.expression, facts)
  if (trace.detailed)
    trace.checks.push({
      stage: 'obtain',
      check: `allow[${index}]`,
      ok,
      wanted: wantedBy(rule),
      location: rule.location,
    })
  return ok
}

const isAmong = (wanted: readonly string[] | undefined, values: readonly string[]): boolean =>
  wanted === undefined || values.some(matcherOf(wanted))

const isSatisfied = (expression: Expression | undefined, facts: Facts): boolean => {
  if (expression === undefined) return true
  try {
    return isTrue(expression.evaluate(facts))
  } catch (thrown) {
    if (thrown instanceof Refusal) return false
    throw thrown
  }
}

const wantedBy = ({ subjects, groups, expression }: AllowRule): string =>
  [
    ...(subjects === undefined ? [] : [`subjects ${JSON.stringify(subjects)}`]),
    ...(groups === undefined ? [] : [`groups ${JSON.stringify(groups)}`]),
    ...(expression === undefined ? [] : [expression.text]),
  ].join(' and ')
