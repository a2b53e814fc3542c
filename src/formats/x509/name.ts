import { encodeBase64url } from '../base64url.ts'
import { FormatError } from '../format-error.ts'
import { type DerNode, encodingOf, encodingText, tags } from './der.ts'
import { elementsOf, expectTag, fieldsOf, oidIn } from './der-fields.ts'
import { directoryText } from './directory-text.ts'

/** One AttributeTypeAndValue of a Name (RFC 5280 section 4.1.2.4). */
export interface NameAttribute {
  /** Dotted OID. */
  readonly type: string
  /** Undefined where the value is no text, or in an alphabet that readers disagree about. */
  readonly text: string | undefined
  /** DER of the value. */
  readonly value: Uint8Array
}

/** Attributes that together make one step of a Name; nearly always one. */
export type RelativeName = readonly NameAttribute[]

/** A distinguished name, from the most general step to the most specific. */
export interface Name {
  readonly steps: readonly RelativeName[]
  /** The whole DER, one character an octet: names with the same are the same. */
  readonly raw: string
}

const mostSteps = 2_048
const mostAttributes = 16

/** A Name (RFC 5280 section 4.1.2.4). It may be empty. @throws FormatError */
export const nameIn = (node: DerNode): Name => {
  const steps = expectTag(node, tags.sequence).children
  if (steps.length > mostSteps) throw new FormatError('a name is too long')
  return { steps: steps.map((step) => relativeNameIn(step)), raw: encodingText(node) }
}

/** A RelativeDistinguishedName: a SET OF, sorted (X.690 section 11.6). @throws FormatError */
export const relativeNameIn = (node: DerNode, tag: number = tags.set): RelativeName => {
  const attributes = elementsOf(node, mostAttributes, tag)
  const isSorted = attributes.every((each, at) => {
    const before = attributes[at - 1]
    return before === undefined || encodingText(before) <= encodingText(each)
  })
  if (!isSorted) throw new FormatError('a set in a name is not sorted')
  return attributes.map(attributeIn)
}

const attributeIn = (node: DerNode): NameAttribute => {
  const fields = fieldsOf(node)
  const type = oidIn(fields.next(tags.oid))
  const value = fields.any()
  fields.end()
  return { type, text: directoryText(value), value: encodingOf(value) }
}

/** Are the two the same name (RFC 5280 section 7.1)? */
export const sameName = (one: Name, other: Name): boolean =>
  one.raw === other.raw || (one.steps.length === other.steps.length && isWithin(one, other))

export const isEmptyName = (name: Name): boolean => name.steps.length === 0

/** Does `name` stand within the subtree `base`: does it begin with the steps of `base` (RFC 5280 section 4.2.1.10)? */
export const isWithin = (name: Name, base: Name): boolean => {
  if (base.steps.length > name.steps.length) return false
  const [nameKeys, baseKeys] = [stepKeys(name), stepKeys(base)]
  return baseKeys.every((key, at) => key === nameKeys[at])
}

/** The texts of all attributes of the type `oid`. */
export const textsOf = (name: Name, oid: string): readonly string[] =>
  name.steps.flatMap((step) => step.flatMap(({ type, text }) => (type === oid && text !== undefined ? [text] : [])))

const knownKeys = new WeakMap<Name, readonly string[]>()

/** A text for each step, equal for steps that match. */
const stepKeys = (name: Name): readonly string[] => {
  const known = knownKeys.get(name)
  if (known !== undefined) return known
  const keys = name.steps.map(relativeKey)
  knownKeys.set(name, keys)
  return keys
}

/** A text that is the same for relative names that match: the attributes in any order (X.501 section 9.4). */
export const relativeKey = (step: RelativeName): string => step.map(attributeKey).toSorted().join('\n')

const attributeKey = ({ type, text, value }: NameAttribute): string =>
  text === undefined ? `${type}#${encodeBase64url(value)}` : `${type}=${prepared(text)}`

/**
 * Text as it is compared: without regard to compatibility forms, to case, to space at the ends and to how much of it
 * stands within (RFC 5280 section 7.1, RFC 4518 section 2). Whether it was PrintableString or UTF8String is the same.
 */
const prepared = (text: string): string => {
  if (isPlain.test(text)) return text.toLowerCase()
  const folded = text.normalize('NFKC').replaceAll(invisible, '').toLowerCase().normalize('NFKC')
  return folded.trim().replaceAll(/\s+/g, ' ')
}

/** ASCII with single spaces between words. */
const isPlain = /^[!-~]+(?: [!-~]+)*$/
/** Soft hyphens, joiners and the like, which RFC 4518 section 2.2 maps to nothing. */
const invisible = /\p{Default_Ignorable_Code_Point}/gu
