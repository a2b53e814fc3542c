import { FormatError } from '../format-error.ts'
import { isBlank, type XmlElement } from '../xml/document.ts'
import { attributeIn, isNamed, requiredAttributeIn, sequenceIn } from '../xml/reading.ts'
import { assertionNamespace } from './names.ts'
import { nameIdIn } from './subject.ts'

/** An attribute of the subject (SAML core section 2.7.3.1). */
export interface SamlAttribute {
  readonly name: string
  /** In the order of the document. Null: a value that is not a text. */
  readonly values: readonly (string | null)[]
}

/**
 * The attributes by name. Several elements of one name are one attribute with all their values, as Keycloak writes
 * roles; a name that two formats share would be two attributes that nobody can tell apart here.
 *
 * @throws FormatError
 */
export const attributesIn = (elements: readonly XmlElement[]): readonly SamlAttribute[] => {
  const found = new Map<string, { readonly format: string; readonly values: (string | null)[] }>()
  for (const element of elements) {
    const name = requiredAttributeIn(element, 'Name')
    const format = attributeIn(element, 'NameFormat') ?? unspecified
    const known = found.get(name) ?? { format, values: [] }
    if (known.format !== format) throw new FormatError('an attribute appears under two name formats')
    known.values.push(...valuesIn(element))
    found.set(name, known)
  }
  return [...found].map(([name, { values }]) => ({ name, values }))
}

/** What a NameFormat that is not there means (SAML core section 2.7.3.1). */
const unspecified = 'urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified'

const valuesIn = (attribute: XmlElement): readonly (string | null)[] => {
  const parts = sequenceIn(attribute, assertionNamespace)
  const values = parts.all('AttributeValue').filter((value) => !isNil(value))
  parts.end()
  return values.map(valueIn)
}

const schemaInstance = 'http://www.w3.org/2001/XMLSchema-instance'

const isNil = ({ attributes }: XmlElement): boolean =>
  attributes.some(
    ({ namespace, local, value }) => namespace === schemaInstance && local === 'nil' && ['true', '1'].includes(value),
  )

/** A text, whatever xsi:type calls it, or a name in its own element (eduPersonTargetedID). */
const valueIn = ({ children }: XmlElement): string | null => {
  const [first = '', ...others] = children.filter((child) => typeof child !== 'string' || !isBlank(child))
  if (others.length > 0) return null
  if (typeof first !== 'string') return isNamed(first, assertionNamespace, 'NameID') ? nameIdIn(first).value : null
  return typeof children[0] === 'string' ? children[0] : first
}
