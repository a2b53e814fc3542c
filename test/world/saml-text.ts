import type { Instant } from '../../src/domain/time.ts'

/** Small pieces of XML as text. */

/** Seconds from now; a text stands as it is; null leaves it out. */
export type When = number | string | null

/** An instant as SAML writes it (SAML core 1.3.3). */
export const instant = (now: Instant, when: When): string | null =>
  typeof when === 'number' ? `${new Date((now + when) * 1_000).toISOString().slice(0, 19)}Z` : when

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export const escaped = (text: string): string => text.replace(/[&<>"]/g, (found) => escapes[found] ?? found)

/** XML that is written as it is, where a plain text would be escaped. */
export interface Markup {
  readonly xml: string
}

export const textOf = (content: string | Markup): string =>
  typeof content === 'string' ? escaped(content) : content.xml

/** The attributes that have a value, each with a space before it. */
export const attributesText = (attributes: Readonly<Record<string, string | null | undefined>>): string =>
  Object.entries(attributes)
    .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join('')

/** An element; without content it is written as an empty tag. */
export const element = (
  name: string,
  attributes: Readonly<Record<string, string | null | undefined>>,
  content = '',
): string => {
  const start = `<${name}${attributesText(attributes)}`
  return content === '' ? `${start}/>` : `${start}>${content}</${name}>`
}

/** `xml` with `from` replaced where it stands first. @throws Error when it stands nowhere, so that a case shows something. */
export const changed = (xml: string, from: string | RegExp, to: string): string => {
  const after = xml.replace(from, () => to)
  if (after === xml) throw new Error(`nothing to change: ${String(from)}`)
  return after
}

/** The first part of `xml` that is an element of this name, nested ones of the name not counted. */
export const partOf = (xml: string, name: string): string => {
  const found = new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>[\\s\\S]*?</${name}>)`).exec(xml)
  if (found === null) throw new Error(`no ${name}`)
  return found[0]
}

/** base64url without padding of the UTF-8 of a text, as the token endpoint wants an assertion (RFC 8693 section 3). */
export const base64url = (xml: string | Uint8Array): string => Buffer.from(xml).toString('base64url')
