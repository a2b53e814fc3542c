import type { Instant } from '../../domain/time.ts'
import { FormatError } from '../format-error.ts'
import type { XmlElement } from '../xml/document.ts'
import { instantIn } from '../xml/instant.ts'
import { attributeIn, elementsIn, sequenceIn, textIn } from '../xml/reading.ts'
import { assertionNamespace } from './names.ts'

/** Under what an assertion is valid (SAML core section 2.5.1). */
export interface Conditions {
  readonly notBefore?: Instant
  readonly notOnOrAfter?: Instant
  /** One list a restriction: each of them must hold an audience of ours. */
  readonly audienceRestrictions: readonly (readonly string[])[]
  readonly oneTimeUse: boolean
  readonly proxyRestriction?: ProxyRestriction
  /** There is a condition that is not understood here, so the assertion's validity cannot be determined. */
  readonly hasUnknown: boolean
}

/** What the issuer allows of what is issued on the basis of the assertion (SAML core section 2.5.1.6). */
export interface ProxyRestriction {
  /** How many more parties may issue on the basis of it; absent: no limit. */
  readonly count?: number
  /** For whom alone; empty: for anybody. */
  readonly audiences: readonly string[]
}

/** @throws FormatError when a condition is malformed, or there twice that may be there once */
export const conditionsIn = (conditions: XmlElement | undefined): Conditions => {
  if (conditions === undefined) return { audienceRestrictions: [], oneTimeUse: false, hasUnknown: false }
  const elements = elementsIn(conditions)
  const of = (local: string) => elements.filter((one) => one.namespace === assertionNamespace && one.local === local)
  const [audiences, oneTime, proxy] = [of('AudienceRestriction'), of('OneTimeUse'), of('ProxyRestriction')]
  if (oneTime.length > 1 || proxy.length > 1) throw new FormatError('a condition is repeated that may appear only once')
  const notBefore = attributeIn(conditions, 'NotBefore')
  const notOnOrAfter = attributeIn(conditions, 'NotOnOrAfter')
  const [restriction] = proxy
  return {
    audienceRestrictions: audiences.map((one) => audiencesIn(one, 1)),
    oneTimeUse: oneTime.length > 0,
    hasUnknown: audiences.length + oneTime.length + proxy.length < elements.length,
    ...(notBefore === undefined ? {} : { notBefore: instantIn(notBefore) }),
    ...(notOnOrAfter === undefined ? {} : { notOnOrAfter: instantIn(notOnOrAfter) }),
    ...(restriction === undefined ? {} : { proxyRestriction: proxyRestrictionIn(restriction) }),
  }
}

const audiencesIn = (restriction: XmlElement, least: number): readonly string[] => {
  const parts = sequenceIn(restriction, assertionNamespace)
  const audiences = parts.all('Audience').map(textIn)
  parts.end()
  if (audiences.length < least) throw new FormatError(`${restriction.local} names no Audience`)
  return audiences
}

const proxyRestrictionIn = (restriction: XmlElement): ProxyRestriction => {
  const audiences = audiencesIn(restriction, 0)
  const count = attributeIn(restriction, 'Count')
  if (count === undefined) return { audiences }
  if (!/^[0-9]{1,9}$/.test(count)) throw new FormatError('the Count of ProxyRestriction is not a number')
  return { audiences, count: Number(count) }
}
