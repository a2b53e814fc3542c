import { type Claims, type Json, type Sensitivity, sensitivities } from '../domain/claims.ts'
import type { ActingParty, Delegation } from '../domain/delegation.ts'
import { type IdentityFields, type IdentityType, identityTypes, type Labelled } from '../domain/identity.ts'
import type { OwnToken } from '../domain/own-token.ts'
import { Refusal } from '../domain/refusal.ts'
import { isReservedClaim } from '../domain/reserved-claims.ts'
import { asObject } from '../formats/json.ts'
import { claim, optionalText } from './claim-shapes.ts'

/** Reads back what `mint/access-token.ts` wrote. */

const invalid = (name: string, complaint: string) => new Refusal('credential.claim_invalid', `${name} ${complaint}`)

/** @throws Refusal `credential.claim_invalid` */
export const ownTokenIn = (claims: Claims): OwnToken => {
  const labelOf = labelsIn(claims)
  const delegation = delegationIn(claims, labelOf)
  requiredText(claims, 'client_id')
  return {
    transaction: requiredText(claims, 'txn'),
    scope: scopeIn(claims),
    identity: identityIn(claims, labelOf),
    ...(delegation === undefined ? {} : { delegation }),
  }
}

const longest = 2_048

const requiredText = (claims: Claims, name: string): string => {
  const text = optionalText(claims, name, longest)
  if (text === undefined) throw invalid(name, 'is missing')
  return text
}

const scopeIn = (claims: Claims): readonly string[] => optionalText(claims, 'scope', longest)?.split(' ') ?? []

type LabelOf = (name: string) => Sensitivity

const isSensitivity = (value: Json | undefined): value is Sensitivity => sensitivities.some((label) => label === value)

/** A claim that `sensitivity` does not name is `internal`. */
const labelsIn = (claims: Claims): LabelOf => {
  const labels = asObject(claim(claims, 'sensitivity') ?? {})
  if (labels === undefined || !Object.values(labels).every(isSensitivity))
    throw invalid('sensitivity', 'is not of labels')
  return (name) => {
    const label = claim(labels, name)
    return isSensitivity(label) ? label : 'internal'
  }
}

const identityIn = (claims: Claims, labelOf: LabelOf): IdentityFields => {
  const tenant = optionalText(claims, 'tenant', longest)
  return {
    type: typeIn(claims),
    subject: { value: requiredText(claims, 'sub'), sensitivity: labelOf('sub') },
    attributes: attributesIn(claims, labelOf),
    ...(tenant === undefined ? {} : { tenant: { value: tenant, sensitivity: labelOf('tenant') } }),
    ...listIn('groups', claims, labelOf),
    ...listIn('roles', claims, labelOf),
    ...listIn('entitlements', claims, labelOf),
  }
}

const typeIn = (claims: Claims): IdentityType => {
  const type = identityTypes.find((one) => one === claim(claims, 'identity_type'))
  if (type === undefined) throw invalid('identity_type', 'is none of ours')
  return type
}

const listIn = <N extends 'groups' | 'roles' | 'entitlements'>(
  name: N,
  claims: Claims,
  labelOf: LabelOf,
): { readonly [K in N]?: Labelled<readonly string[]> } => {
  const value = claim(claims, name)
  if (value === undefined) return {}
  if (!isTexts(value)) throw invalid(name, 'is not a list of texts')
  const labelled: { [K in N]?: Labelled<readonly string[]> } = {}
  labelled[name] = { value, sensitivity: labelOf(name) }
  return labelled
}

const isTexts = (value: Json): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

const attributesIn = (claims: Claims, labelOf: LabelOf): ReadonlyMap<string, Labelled<Json>> =>
  new Map(
    Object.entries(claims)
      .filter(([name]) => !isReservedClaim(name))
      .map(([name, value]) => [name, { value, sensitivity: labelOf(name) }]),
  )

const delegationIn = (claims: Claims, labelOf: LabelOf): Delegation | undefined => {
  const chain = chainIn(claims)
  if (chain.length === 0) return undefined
  return { chain, ...(chain.some((party) => 'sub' in party) ? { sensitivity: labelOf('act') } : {}) }
}

/** RFC 8693 section 4.1: the outermost acts now, and what is nested in it acted before. */
const chainIn = (claims: Claims): readonly ActingParty[] => {
  const chain: ActingParty[] = []
  for (let holder = claims; claim(holder, 'act') !== undefined; ) {
    const act = asObject(claim(holder, 'act'))
    if (act === undefined) throw invalid('act', 'is not an object')
    chain.push(partyIn(act))
    holder = act
  }
  return chain
}

const partyIn = (act: Claims): ActingParty => {
  if (claim(act, 'sub') === undefined) return { client_id: requiredText(act, 'client_id') }
  return { sub: requiredText(act, 'sub'), identity_type: typeIn(act) }
}
