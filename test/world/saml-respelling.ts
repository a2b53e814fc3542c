/** Other ways to write the same XML: what a canonical form takes away again (Canonical XML 1.0 section 1.1). */
export interface Respelling {
  readonly name: string
  /** A change at one of the places where it can be made, or `xml` itself where there is none. Any number is good. */
  readonly respell: (xml: string, at: number) => string
}

/** `xml` with the `at`th of all matches written by `write`. */
const atOne =
  (pattern: RegExp, write: (found: string, at: number) => string) =>
  (xml: string, at: number): string => {
    const places = [...xml.matchAll(pattern)]
    const place = places[at % Math.max(1, places.length)]
    if (place === undefined) return xml
    return xml.slice(0, place.index) + write(place[0], at) + xml.slice(place.index + place[0].length)
  }

const startTag = /<[A-Za-z][^<>]*>/g
const emptyTag = /<[A-Za-z][^<>]*\/>/g
const endTag = /<\/[^<>]*>/g
const attribute = /\s[\w:.-]+="[^"']*"/g
const text = /(?<=>)[^<>&]*[A-Za-z0-9][^<>&]*(?=<)/g
/** Not beside CDATA: that is text, and a comment beside text is refused. */
const betweenTags = /(?<=(?<!\]\])>)(?=<(?!!\[))/g
const spaces = [' ', '\n', '\t', '\r\n', '   \n\t']
const space = (at: number): string => spaces[at % spaces.length] ?? ' '

const reference = (found: string, at: number): string => {
  const places = [...found.matchAll(/[A-Za-z0-9@.+/=]/g)]
  const place = places[at % Math.max(1, places.length)]?.index ?? 0
  const code = found.charCodeAt(place)
  return `${found.slice(0, place)}${at % 2 === 0 ? `&#${code};` : `&#x${code.toString(16)};`}${found.slice(place + 1)}`
}

const attributesReversed = (tag: string): string => {
  const found = tag.match(attribute) ?? []
  const [start = ''] = /^<[^\s/>]*/.exec(tag) ?? []
  const written = start + found.join('')
  return tag.startsWith(written) ? start + found.toReversed().join('') + tag.slice(written.length) : tag
}

export const respellings: readonly Respelling[] = [
  { name: 'white space in a start', respell: atOne(startTag, (tag, at) => tag.replace(/(?=\/?>$)/, space(at))) },
  { name: 'white space in an end', respell: atOne(endTag, (tag, at) => tag.replace('>', `${space(at)}>`)) },
  { name: 'white space between attributes', respell: atOne(attribute, (found, at) => space(at) + found) },
  { name: 'attributes in another order', respell: atOne(startTag, attributesReversed) },
  { name: 'apostrophes', respell: atOne(attribute, (found) => found.replaceAll('"', "'")) },
  {
    name: 'an empty element in two tags',
    respell: atOne(emptyTag, (tag) => `${tag.slice(0, -2)}></${/^<([^\s/>]*)/.exec(tag)?.[1]}>`),
  },
  {
    name: 'a namespace that nobody uses',
    respell: atOne(startTag, (tag, at) => tag.replace(/(?=\s|\/?>)/, ` xmlns:n${tag.length}x${at}="urn:n:${at}"`)),
  },
  { name: 'a comment between elements', respell: atOne(betweenTags, (_, at) => `<!-- ${at} -->`) },
  { name: 'a reference in text', respell: atOne(text, reference) },
  {
    name: 'a reference in an attribute',
    respell: atOne(/(?<=\s(?:Value|Name|Recipient|Method|Algorithm|URI|Version)=")[^"&]+(?=")/g, reference),
  },
  { name: 'CDATA', respell: atOne(text, (found) => `<![CDATA[${found}]]>`) },
  { name: 'a part in CDATA', respell: atOne(text, (found) => `${found.slice(0, 1)}<![CDATA[${found.slice(1)}]]>`) },
  { name: 'white space after the end', respell: (xml, at) => xml + space(at) },
  { name: 'a comment after the end', respell: (xml, at) => `${xml}<!--${at}-->` },
  { name: 'a comment at the begin', respell: (xml, at) => xml.replace(/^(<\?[^>]*>|)/, `$1<!--${at}-->${space(at)}`) },
  {
    name: 'an XML declaration',
    respell: (xml) => (/^<[?\s]/.test(xml) ? xml : `<?xml version="1.0" encoding="UTF-8"?>${xml}`),
  },
]
