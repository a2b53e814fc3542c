import { longest, type TextMutations } from './text-mutations.ts'

/** Changes that leave most of a document well-formed: elements and attributes that go elsewhere, or are there twice. */

interface Span {
  readonly from: number
  readonly to: number
}

const tag = /<(\/?)([A-Za-z_][\w:.-]*)[^<>]*?(\/?)>/g

/** Where elements stand, as far as starts and ends go together. */
const elementsIn = (xml: string): readonly Span[] => {
  const open: { readonly name: string; readonly from: number }[] = []
  const found: Span[] = []
  for (const { 0: text, 1: end, 2: name = '', 3: empty, index } of xml.matchAll(tag)) {
    const to = index + text.length
    if (empty === '/') found.push({ from: index, to })
    else if (end !== '/') open.push({ name, from: index })
    else if (open.at(-1)?.name === name) found.push({ from: open.pop()?.from ?? 0, to })
  }
  return found
}

const spansOf = (xml: string, pattern: RegExp): readonly Span[] =>
  [...xml.matchAll(pattern)].map(({ 0: text, index }) => ({ from: index, to: index + text.length }))

const attributesIn = (xml: string) => spansOf(xml, /\s[\w:.-]+=(?:"[^"<]*"|'[^'<]*')/g)
const valuesIn = (xml: string) => spansOf(xml, /(?<==")[^"<]*(?=")/g)
const textsIn = (xml: string) => spansOf(xml, /(?<=>)[^<>]+(?=<)/g)
const bordersIn = (xml: string) => spansOf(xml, /(?<=>)(?=.)|(?=<)/gs)
const namesIn = (xml: string) => spansOf(xml, /(?<=<\/?)[A-Za-z_][\w:.-]*/g)

const chosen = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)]

const put = (xml: string, { from, to }: Span, what: string): string => xml.slice(0, from) + what + xml.slice(to)
const taken = (xml: string, { from, to }: Span): string => xml.slice(from, to)

/** What is put between elements, or around what is there. */
const pieces = [
  [
    '<!---->',
    '<!-- x -->',
    '<?x?>',
    '<![CDATA[x]]>',
    '<![CDATA[]]>',
    ' ',
    '\r\n',
    'x',
    '&amp;',
    '&#97;',
    '&x;',
    '&#0;',
  ],
  ['<!DOCTYPE x>', '<!DOCTYPE x [<!ENTITY x "y">]>', '<?xml version="1.0"?>', '<?xml version="1.1"?>', ']]>', '<', '&'],
  ['<x/>', '<x xmlns="urn:x"/>', '<ds:Object/>', '<saml:Advice/>', '<saml:Assertion/>', '<ds:Signature/>', '<a:x/>'],
].flat()

const attributePieces = [
  [' ID="_genuine"', ' Id="_genuine"', ' id="x"', ' xml:id="_genuine"', ' saml:ID="_genuine"', ' URI=""'],
  [' xmlns="urn:x"', ' xmlns=""', ' xmlns:saml="urn:x"', ' xmlns:ds="urn:x"', ' xmlns:x="x"', ' xmlns:xml="urn:x"'],
  [' xsi:type="x"', ' xsi:nil="true"', ' a:b="c"', ' xml:space="preserve"', ' xml:base="urn:x"'],
].flat()

const valuePieces = [
  '',
  'admin@example.com',
  '_forged',
  '#_forged',
  'urn:x',
  '9999-12-31T23:59:59Z',
  '&lt;',
  '&#10;',
  ' ',
]
const names = [
  'saml:Subject',
  'saml:NameID',
  'saml:Assertion',
  'ds:Signature',
  'ds:SignedInfo',
  'x',
  'saml:',
  ':x',
  'a:b:c',
]

type XmlChange = (xml: string, at: number, by: number, donors: readonly string[]) => string

const overOne =
  (
    places: (xml: string) => readonly Span[],
    write: (found: string, by: number, donors: readonly string[]) => string,
  ): XmlChange =>
  (xml, at, by, donors) => {
    const place = chosen(places(xml), at)
    return place === undefined ? xml : put(xml, place, write(taken(xml, place), by, donors))
  }

const elementOf = (xml: string, by: number): string => {
  const span = chosen(elementsIn(xml), by)
  return span === undefined ? '' : taken(xml, span)
}

const moved: XmlChange = (xml, at, by) => {
  const span = chosen(elementsIn(xml), at)
  if (span === undefined) return xml
  const rest = put(xml, span, '')
  const border = chosen(bordersIn(rest), by)
  return border === undefined ? xml : put(rest, border, taken(xml, span))
}

const renamed = (element: string, by: number): string => {
  const name = chosen(names, by) ?? ''
  return element.replace(/^<[\w:.-]+/, `<${name}`).replace(/<\/[\w:.-]+>$/, `</${name}>`)
}

const changes: readonly XmlChange[] = [
  moved,
  overOne(elementsIn, () => ''),
  overOne(elementsIn, (found) => found + found),
  overOne(elementsIn, (found, by) => `<x xmlns="urn:x" n="${by}">${found}</x>`),
  overOne(elementsIn, (_, by, donors) => elementOf(chosen(donors, by) ?? '', by >> 8)),
  overOne(bordersIn, (_, by, donors) => elementOf(chosen(donors, by) ?? '', by >> 8)),
  overOne(bordersIn, (_, by) => chosen(pieces, by) ?? ''),
  overOne(attributesIn, () => ''),
  overOne(attributesIn, (found) => found + found),
  overOne(attributesIn, (found, by) => found + (chosen(attributePieces, by) ?? '')),
  overOne(attributesIn, (_, by, donors) => {
    const donor = chosen(donors, by) ?? ''
    const span = chosen(attributesIn(donor), by >> 8)
    return span === undefined ? '' : taken(donor, span)
  }),
  overOne(valuesIn, (_, by) => chosen(valuePieces, by) ?? ''),
  overOne(textsIn, (_, by) => chosen(valuePieces, by) ?? ''),
  overOne(
    textsIn,
    (found, by) => found.slice(0, by % found.length) + (chosen(pieces, by >> 8) ?? '') + found.slice(by % found.length),
  ),
  overOne(elementsIn, renamed),
  overOne(namesIn, (_, by) => chosen(names, by) ?? ''),
  (xml, at, by) => xml.replaceAll(chosen(names, at) ?? '', chosen(names, by) ?? ''),
]

/** `xml` with `mutations`; elements and attributes of the `donors` get into it. */
export const changedXml = (xml: string, mutations: TextMutations, donors: readonly string[]): string =>
  mutations
    .reduce((changed, { what, at, by }) => chosen(changes, what)?.(changed, at, by, donors) ?? changed, xml)
    .slice(0, longest)
