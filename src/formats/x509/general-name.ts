import { FormatError } from '../format-error.ts'
import { constructed, contentOf, type DerNode, encodingOf, primitive } from './der.ts'
import { elementsOf, explicitIn, fieldsOf, oidIn } from './der-fields.ts'
import { ia5Text } from './directory-text.ts'
import { type Name, nameIn } from './name.ts'
import { isDnsName, isMailbox, isUri } from './name-syntax.ts'

/** One of the names that a GeneralName can be (RFC 5280 section 4.2.1.6). */
export type GeneralName =
  | { readonly type: 'dns' | 'email' | 'uri'; readonly value: string }
  /** 4 octets, or 16. */
  | { readonly type: 'ip'; readonly bytes: Uint8Array }
  | { readonly type: 'directory'; readonly name: Name }
  /** A form that is known of and not understood: only whether it is there is of interest. */
  | { readonly type: 'other'; readonly form: OtherForm; readonly der: Uint8Array }

export type OtherForm = 'otherName' | 'x400Address' | 'ediPartyName' | 'registeredID'

/** More names than any certificate needs. */
const mostNames = 4_096

/** GeneralNames: at least one, each well-formed. @throws FormatError */
export const generalNamesIn = (node: DerNode, tag?: number): readonly GeneralName[] =>
  elementsOf(node, mostNames, tag).map(generalNameIn)

/** @throws FormatError when the name is not one of its form (RFC 5280 section 4.2.1.6). */
export const generalNameIn = (node: DerNode): GeneralName => {
  switch (node.tag) {
    case primitive(1):
      return textName('email', node, isMailbox)
    case primitive(2):
      return textName('dns', node, isDnsName)
    case primitive(6):
      return textName('uri', node, isUri)
    case primitive(7):
      return { type: 'ip', bytes: addressIn(node) }
    case constructed(4):
      return { type: 'directory', name: nameIn(explicitIn(node)) }
    default:
      return { type: 'other', form: otherFormOf(node), der: encodingOf(node) }
  }
}

const textName = (type: 'dns' | 'email' | 'uri', node: DerNode, isProper: (text: string) => boolean): GeneralName => {
  const value = ia5Text(node)
  if (!isProper(value)) throw new FormatError(`a name of the type ${type} is malformed`)
  return { type, value }
}

const addressIn = (node: DerNode): Uint8Array => {
  const bytes = contentOf(node)
  if (bytes.length !== 4 && bytes.length !== 16) throw new FormatError('an IP address is malformed')
  return bytes
}

/** The form of a name that is not understood, whose outer shape is right all the same. @throws FormatError */
export const otherFormOf = (node: DerNode): OtherForm => {
  switch (node.tag) {
    case constructed(0):
      assertOtherName(node)
      return 'otherName'
    case constructed(3):
      return 'x400Address'
    case constructed(5):
      return 'ediPartyName'
    case primitive(8):
      oidIn(node)
      return 'registeredID'
    default:
      throw new FormatError('a name is of no known type')
  }
}

const assertOtherName = (node: DerNode): void => {
  const fields = fieldsOf(node, constructed(0))
  oidIn(fields.any())
  explicitIn(fields.next(constructed(0)))
  fields.end()
}
