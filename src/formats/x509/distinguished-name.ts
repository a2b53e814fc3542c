import { binaryOf } from './der.ts'
import { hexOf } from './der-fields.ts'
import type { Name, NameAttribute } from './name.ts'

/**
 * Short names of attributes: those of RFC 4514 section 3 (and RFC 4519, which it draws on), then common ones, by OID.
 */
export const attributeNames: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.6', 'C'],
  ['2.5.4.9', 'STREET'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['2.5.4.4', 'SN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.12', 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.20', 'telephoneNumber'],
  ['2.5.4.41', 'name'],
  ['2.5.4.42', 'GN'],
  ['2.5.4.43', 'initials'],
  ['2.5.4.44', 'generationQualifier'],
  ['2.5.4.46', 'dnQualifier'],
  ['2.5.4.65', 'pseudonym'],
  ['2.5.4.97', 'organizationIdentifier'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
])

/** `name` as RFC 4514 section 2 writes it, the most specific step first; empty for an empty name. */
export const distinguishedName = (name: Name): string =>
  name.steps
    .toReversed()
    .map((step) => step.map(attributeText).join('+'))
    .join(',')

/** A value under an OID, or one that is no text, is written as its DER (RFC 4514 sections 2.3 and 2.4). */
const attributeText = ({ type, text, value }: NameAttribute): string => {
  const label = attributeNames.get(type)
  return label === undefined || text === undefined
    ? `${label ?? type}=#${hexOf(binaryOf(value))}`
    : `${label}=${escaped(text)}`
}

/** RFC 4514 section 2.4: special characters, a space or `#` in front, a space at the end. */
const escaped = (text: string): string =>
  text
    .replaceAll(/[\\"+,;<>]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/(?<!^\\?) $/, '\\ ')
