import { decodeBase64 } from '../base64.ts'
import { FormatError } from '../format-error.ts'
import { isBlank, type XmlElement } from './document.ts'

/** Reading elements strictly: what is not expected is refused, not skipped. */

/** The child elements of an element that holds nothing else. @throws FormatError when there is text between them */
export const elementsIn = (element: XmlElement): readonly XmlElement[] =>
  element.children.filter((child): child is XmlElement => {
    if (typeof child !== 'string') return true
    if (!isBlank(child)) throw new FormatError(`${element.local} holds text between its elements`)
    return false
  })

/** The text of an element that holds nothing else. @throws FormatError when there is an element in it */
export const textIn = (element: XmlElement): string => {
  const [text = '', ...others] = element.children
  if (others.length > 0 || typeof text !== 'string') throw new FormatError(`${element.local} holds elements`)
  return text
}

/** The value of an attribute that is in no namespace. */
export const attributeIn = (element: XmlElement, name: string): string | undefined =>
  element.attributes.find(({ namespace, local }) => namespace === '' && local === name)?.value

/** @throws FormatError when it is not there */
export const requiredAttributeIn = (element: XmlElement, name: string): string => {
  const value = attributeIn(element, name)
  if (value === undefined) throw new FormatError(`${element.local} has no ${name}`)
  return value
}

export const isNamed = (element: XmlElement, namespace: string, local: string): boolean =>
  element.local === local && element.namespace === namespace

/** An attribute that nobody expects may be one that another reader obeys. @throws FormatError when there is one */
export const assertAttributes = (element: XmlElement, known: readonly string[]): void => {
  if (element.attributes.some(({ namespace, local }) => namespace !== '' || !known.includes(local)))
    throw new FormatError(`${element.local} has an attribute that it must not have`)
}

/** @throws FormatError when it holds an element or text */
export const assertEmpty = (element: XmlElement): void => {
  if (element.children.some((child) => typeof child !== 'string' || !isBlank(child)))
    throw new FormatError(`${element.local} is not empty`)
}

/** The octets of a base64Binary of XML Schema: white space may stand anywhere in it. @throws FormatError when there are none */
export const base64In = (element: XmlElement, attributes: readonly string[]): Uint8Array => {
  assertAttributes(element, attributes)
  const octets = decodeBase64(textIn(element).replaceAll(/[\t\n\r ]/g, ''))
  if (octets.length === 0) throw new FormatError(`${element.local} is empty`)
  return octets
}

/** The Algorithm of a method, which must be its one attribute (XML Signature section 4, XML Encryption section 3.2). */
export const algorithmIn = (method: XmlElement): string => {
  assertAttributes(method, ['Algorithm'])
  return requiredAttributeIn(method, 'Algorithm')
}

/** Every element of the tree, `element` first and each before its own children. */
export const everyElement = (element: XmlElement): readonly XmlElement[] => {
  const found = [element]
  for (const one of found) for (const child of one.children) if (typeof child !== 'string') found.push(child)
  return found
}

/** Child elements read in the order that a schema gives them. */
export interface Sequence {
  /** The next child if it is of this name, in another namespace where one is given. */
  optional(local: string, other?: string): XmlElement | undefined
  /** @throws FormatError when the next child is of another name */
  one(local: string): XmlElement
  /** All that follow with this name. */
  all(local: string): readonly XmlElement[]
  /** All that are left, whatever their names. */
  rest(): readonly XmlElement[]
  /** @throws FormatError when children are left */
  end(): void
}

/** Reads the children of `element`, which must be of `namespace`. @throws FormatError when text stands between them */
export const sequenceIn = (element: XmlElement, namespace: string): Sequence => {
  const elements = elementsIn(element)
  let at = 0
  const optional = (local: string, other = namespace): XmlElement | undefined => {
    const next = elements[at]
    if (next === undefined || !isNamed(next, other, local)) return undefined
    at++
    return next
  }
  return {
    optional,
    one(local) {
      const found = optional(local)
      if (found === undefined) throw new FormatError(`${element.local} lacks ${local} where it must have one`)
      return found
    },
    all(local) {
      const found: XmlElement[] = []
      for (let next = optional(local); next !== undefined; next = optional(local)) found.push(next)
      return found
    },
    rest() {
      const rest = elements.slice(at)
      at = elements.length
      return rest
    },
    end() {
      if (at < elements.length) throw new FormatError(`${element.local} holds an element that it must not have there`)
    },
  }
}
