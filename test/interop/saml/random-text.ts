import fc from 'fast-check'

/** Text in every form that XML has for it. */

/** What canonicalization has to write otherwise, and its neighbours. */
const plain = ['a', 'é', '😀', '\u0085', '\u2028', '\u00a0', '\ufeff', '\ufffd', '\u007f', '\u0080', '>', ';', '"', "'"]

const blanks = ['\n', '\r\n', '\r', '\t', ' ']

/** Characters, and the references that stand for them. */
const referred = Object.entries({
  '&': ['&amp;', '&#38;'],
  '<': ['&lt;', '&#x3c;'],
  '>': ['&gt;', '&#62;'],
  '"': ['&quot;', '&#34;'],
  "'": ['&apos;', '&#39;'],
  '\r': ['&#13;', '&#xD;'],
  '\n': ['&#10;'],
  '\t': ['&#9;'],
  ' ': ['&#x20;'],
  '😀': ['&#x1F600;'],
  '\u{10ffff}': ['&#x10FFFF;'],
  '&amp;': ['&amp;amp;'],
}).flatMap(([text, references]) => references.map((xml) => ({ xml, text })))

/** As it can stand in an element and in an attribute. */
export const writtenText = fc
  .array(fc.constantFrom(...plain, ...blanks, ...referred.map(({ xml }) => xml)), { maxLength: 8 })
  .map((parts) => parts.join(''))

/** Text as it is written in an element, and what is read there. */
export interface RandomText {
  readonly xml: string
  readonly text: string
}

/** What stands for a line end that is referred to until those that are written as they are have been normalized. */
const kept: Readonly<Record<string, string>> = { '\r': '\u{e000}', '\n': '\u{e001}' }

const piece: fc.Arbitrary<RandomText> = fc.oneof(
  fc.constantFrom(...plain, ...blanks).map((text) => ({ xml: text, text })),
  fc.constantFrom(...referred).map(({ xml, text }) => ({ xml, text: kept[text] ?? text })),
  fc.constantFrom('<', '&', '&amp;', '<!-- a -->').map((text) => ({ xml: `<![CDATA[${text}]]>`, text })),
)

/** XML 1.0 section 2.11. */
const normalized = (text: string): string =>
  text.replaceAll(/\r\n?/g, '\n').replaceAll('\u{e000}', '\r').replaceAll('\u{e001}', '\n')

export const randomText: fc.Arbitrary<RandomText> = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => ({
  xml: `.${pieces.map(({ xml }) => xml).join('')}`,
  text: `.${normalized(pieces.map(({ text }) => text).join(''))}`,
}))
