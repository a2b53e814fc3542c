import { afterAll, beforeAll, describe, it } from 'vitest'
import { namespaces } from '../world/saml-names.ts'
import { changed } from '../world/saml-text.ts'
import { after, good } from './saml-changes.ts'
import {
  acceptsAll,
  alice,
  expectRefused,
  type Hostile,
  openSamlWorld,
  refusesAll,
  type SamlWorld,
  type Sound,
} from './saml-world.ts'

/** Texts that one reader of XML takes for something else than the next. Each is made of a genuine assertion. */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

const before = (text: string) => (w: SamlWorld) => text + good(w)
const behind = (text: string) => (w: SamlWorld) => good(w) + text

/** What somebody may well be called, or be sent to, who wants to be taken for another. */
const longer = (w: SamlWorld) =>
  w.idp.signedAssertion({
    nameId: 'alice@example.com.evil.example',
    conditions: { audiences: [['https://dragoman.example.com', 'https://dragoman.example.com.evil.example']] },
    attributes: { email: 'alice@example.com.evil.example' },
  })
const cut = (from: string, to: string) => (w: SamlWorld) => changed(longer(w), from, to)

const truncation: readonly Hostile[] = [
  [
    'a comment in the NameID',
    'credential.malformed',
    cut('.com.evil.example</saml:NameID>', '.com<!---->.evil.example</saml:NameID>'),
  ],
  ['a comment before the NameID', 'credential.malformed', after('>alice@', '><!-- -->alice@')],
  [
    'a comment after the NameID',
    'credential.malformed',
    after('alice@example.com</saml:NameID>', 'alice@example.com<!-- --></saml:NameID>'),
  ],
  [
    'a comment in an attribute value',
    'credential.malformed',
    cut('.com.evil.example</saml:AttributeValue>', '.com<!---->.evil.example</saml:AttributeValue>'),
  ],
  [
    'a comment in an Audience',
    'credential.malformed',
    cut('.com.evil.example</saml:Audience>', '.com<!---->.evil.example</saml:Audience>'),
  ],
  ['a comment in the Issuer', 'credential.malformed', after('/saml</saml:Issuer>', '<!---->/saml</saml:Issuer>')],
  [
    'a comment in the class of the context',
    'credential.malformed',
    after('</saml:AuthnContextClassRef>', '<!----></saml:AuthnContextClassRef>'),
  ],
  [
    'a comment in a method of signing',
    'credential.malformed',
    after('</ds:SignatureValue>', '<!----></ds:SignatureValue>'),
  ],
  [
    'a comment beside CDATA',
    'credential.malformed',
    after('alice@example.com</saml:NameID>', '<!----><![CDATA[alice@example.com]]></saml:NameID>'),
  ],
  [
    'a processing instruction in the NameID',
    'credential.malformed',
    cut('.com.evil.example</saml:NameID>', '.com<?x?>.evil.example</saml:NameID>'),
  ],
  [
    'a processing instruction between elements',
    'credential.malformed',
    after('<saml:Subject>', '<?x y?><saml:Subject>'),
  ],
  [
    'a processing instruction before the root',
    'credential.malformed',
    before('<?xml-stylesheet href="https://attacker.example/x.xsl"?>'),
  ],
  ['a processing instruction after the root', 'credential.malformed', behind('<?x?>')],
  [
    'an element in the NameID',
    'credential.malformed',
    cut('.com.evil.example</saml:NameID>', '.com<x/>.evil.example</saml:NameID>'),
  ],
  [
    'an element in the NameID that the issuer signed',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ nameId: { value: { xml: 'alice@example.com<x xmlns="urn:x"/>.evil.example' } } }),
  ],
]

const doctype = (subset: string) => before(`<!DOCTYPE saml:Assertion ${subset}>`)
const entity = (declaration: string, use: string) => (w: SamlWorld) =>
  `<!DOCTYPE x [${declaration}]>${changed(good(w), 'alice@example.com</saml:NameID>', `${use}</saml:NameID>`)}`
const bomb = Array.from({ length: 20 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('')

const doctypes: readonly Hostile[] = [
  ['a DOCTYPE', 'credential.malformed', before('<!DOCTYPE saml:Assertion>')],
  ['a DOCTYPE in small letters', 'credential.malformed', before('<!doctype x>')],
  ['an empty subset', 'credential.malformed', doctype('[]')],
  ['a DOCTYPE elsewhere', 'credential.malformed', doctype('SYSTEM "https://attacker.example/x.dtd"')],
  ['a public DOCTYPE', 'credential.malformed', doctype('PUBLIC "-//X//Y" "https://attacker.example/x.dtd"')],
  ['an entity in the NameID', 'credential.malformed', entity('<!ENTITY e "alice@example.com">', '&e;')],
  ['an entity from a file', 'credential.malformed', entity('<!ENTITY e SYSTEM "file:///etc/passwd">', '&e;')],
  ['an entity from the network', 'credential.malformed', entity('<!ENTITY e SYSTEM "http://169.254.169.254/">', '&e;')],
  ['a parameter entity', 'credential.malformed', doctype('[<!ENTITY % p SYSTEM "https://attacker.example/p.dtd">%p;]')],
  ['a billion laughs', 'credential.malformed', entity(`<!ENTITY e0 "ha">${bomb}`, '&e20;')],
  ['entities within themselves', 'credential.malformed', entity('<!ENTITY e "&f;"><!ENTITY f "&e;">', '&e;')],
  [
    'one long entity many times',
    'credential.malformed',
    entity(`<!ENTITY e "${'a'.repeat(10_000)}">`, '&e;'.repeat(1_000)),
  ],
  [
    'an entity that takes the place of a predefined one',
    'credential.malformed',
    doctype('[<!ENTITY lt "&#38;#60;x/>">]'),
  ],
  ['an ID by default', 'credential.malformed', doctype('[<!ATTLIST saml:Subject ID CDATA "_x">]')],
  ['a namespace by default', 'credential.malformed', doctype('[<!ATTLIST saml:Subject xmlns:saml CDATA "urn:x">]')],
  [
    'an attribute that is declared to be an ID',
    'credential.malformed',
    doctype('[<!ATTLIST saml:NameID Format ID #IMPLIED>]'),
  ],
  ['a DOCTYPE after the root', 'credential.malformed', behind('<!DOCTYPE x>')],
  ['a DOCTYPE within the root', 'credential.malformed', after('<saml:Subject>', '<!DOCTYPE x><saml:Subject>')],
  ['an entity that nobody declared', 'credential.malformed', after('alice@', '&alice;@')],
  ['an entity of HTML', 'credential.malformed', after('alice@', 'alice&commat;')],
]

const encoded = (bytes: (text: string) => Uint8Array) => (w: SamlWorld) => bytes(good(w))
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16()
const mark = '\uFEFF'
const octets = (inNameId: readonly number[]) =>
  encoded((text) => {
    const at = text.indexOf('alice@')
    return Buffer.concat([Buffer.from(text.slice(0, at)), Buffer.from(inNameId), Buffer.from(text.slice(at))])
  })

const encodings: readonly Hostile[] = [
  ['UTF-16 with a mark', 'credential.malformed', encoded((text) => Buffer.from(mark + text, 'utf16le'))],
  ['UTF-16 without a mark', 'credential.malformed', encoded((text) => Buffer.from(text, 'utf16le'))],
  ['UTF-16, big end first', 'credential.malformed', encoded((text) => bigEndian(mark + text))],
  ['UTF-16 that it only declares', 'credential.malformed', before('<?xml version="1.0" encoding="UTF-16"?>')],
  ['UTF-7 that it declares', 'credential.malformed', before('<?xml version="1.0" encoding="UTF-7"?>')],
  ['ISO-8859-1 that it declares', 'credential.malformed', before('<?xml version="1.0" encoding="ISO-8859-1"?>')],
  ['an encoding without a name', 'credential.malformed', before('<?xml version="1.0" encoding=""?>')],
  ['a byte that is not UTF-8', 'credential.malformed', octets([0xff])],
  ['an overlong slash', 'credential.malformed', octets([0xc0, 0xaf])],
  ['half a pair of surrogates', 'credential.malformed', octets([0xed, 0xa0, 0x80])],
  ['a character of which the end is missing', 'credential.malformed', octets([0xe2, 0x82])],
  ['a NUL', 'credential.malformed', octets([0])],
  ['a control character', 'credential.malformed', octets([0x1b])],
  ['a character that is none', 'credential.malformed', octets([0xef, 0xbf, 0xbe])],
  ['a reference to NUL', 'credential.malformed', after('alice@', '&#0;alice@')],
  ['a reference to a control character', 'credential.malformed', after('alice@', '&#x1F;alice@')],
  ['a reference to a surrogate', 'credential.malformed', after('alice@', '&#xD800;alice@')],
  ['a reference beyond Unicode', 'credential.malformed', after('alice@', '&#x110000;alice@')],
  ['a reference without an end', 'credential.malformed', after('alice@', '&#97alice@')],
]

const wellFormedness: readonly Hostile[] = [
  ['nothing', 'credential.malformed', () => '\n'],
  ['a text', 'credential.malformed', () => 'alice'],
  ['JSON', 'credential.malformed', () => '{"sub":"alice"}'],
  ['a JWT', 'credential.malformed', () => 'e30.e30.AAAA'],
  ['base64 of base64', 'credential.malformed', (w) => Buffer.from(good(w)).toString('base64')],
  ['an assertion without its end', 'credential.malformed', (w) => good(w).slice(0, -1)],
  ['half an assertion', 'credential.malformed', (w) => good(w).slice(0, 1_000)],
  ['text before the root', 'credential.malformed', before('x')],
  ['text after the root', 'credential.malformed', behind('x')],
  ['an element after the root', 'credential.malformed', behind('<x/>')],
  ['CDATA after the root', 'credential.malformed', behind('<![CDATA[x]]>')],
  ['the same assertion twice', 'credential.malformed', (w) => good(w).repeat(2)],
  ['an end without a start', 'credential.malformed', after('</saml:Subject>', '</saml:Subject></saml:Subject>')],
  ['ends in another order', 'credential.malformed', after('</saml:NameID>', '</saml:Subject></saml:NameID>')],
  ['an attribute twice', 'credential.malformed', after(' Version=', ' Version="2.0" Version=')],
  ['an ID twice', 'credential.malformed', after(' ID=', ' ID="_evil" ID=')],
  [
    'an attribute twice under two prefixes',
    'credential.malformed',
    (w) =>
      w.idp.signedAssertion({
        declared: { a: 'urn:x', b: 'urn:x' },
        attributes: { x: [{ xml: '<e xmlns="urn:e" a:y="1" b:y="2"/>' }] },
      }),
  ],
  ['a prefix that nobody declared', 'credential.malformed', after('<saml:Subject>', '<evil:Subject/><saml:Subject>')],
  [
    'a prefix that nobody declared at an attribute',
    'credential.malformed',
    after('<saml:Subject>', '<saml:Subject evil:a="1">'),
  ],
  ['an attribute without quotes', 'credential.malformed', after('Version="2.0"', 'Version=2.0')],
  ['an attribute without a value', 'credential.malformed', after(' Version=', ' Checked Version=')],
  ['a less-than sign in an attribute', 'credential.malformed', after('Version="2.0"', 'Version="<2.0"')],
  ['an ampersand alone', 'credential.malformed', after('alice@', 'alice&@')],
  ['the end of CDATA in a text', 'credential.malformed', after('alice@', 'alice]]>@')],
  ['two hyphens in a comment', 'credential.malformed', after('<saml:Subject>', '<!-- -- --><saml:Subject>')],
  ['CDATA without an end', 'credential.malformed', after('alice@', '<![CDATA[alice@')],
  ['a second XML declaration', 'credential.malformed', before('<?xml version="1.0"?><?xml version="1.0"?>')],
  ['an XML declaration after a space', 'credential.malformed', before(' <?xml version="1.0"?>')],
  [
    'an XML declaration in the assertion',
    'credential.malformed',
    after('<saml:Subject>', '<?xml version="1.0"?><saml:Subject>'),
  ],
  ['XML 1.1', 'credential.malformed', before('<?xml version="1.1"?>')],
  ['XML 2.0', 'credential.malformed', before('<?xml version="2.0"?>')],
  ['a declaration of markup', 'credential.malformed', after('<saml:Subject>', '<!ELEMENT x ANY><saml:Subject>')],
  ['a conditional section', 'credential.malformed', after('<saml:Subject>', '<![INCLUDE[]]><saml:Subject>')],
]

/** Names that Go's encoding/xml wrote otherwise than it had read them (CVE-2020-29509, -29510, -29511). */
const names: readonly Hostile[] = [
  ['a name with two colons', 'credential.malformed', (w) => good(w).replaceAll('saml:Subject>', 'saml::Subject>')],
  [
    'a name that begins with a colon',
    'credential.malformed',
    (w) => good(w).replaceAll('saml:Subject>', ':saml:Subject>'),
  ],
  ['a name that ends with a colon', 'credential.malformed', (w) => good(w).replaceAll('saml:Subject>', 'saml:>')],
  [
    'a name without a prefix before its colon',
    'credential.malformed',
    (w) => good(w).replaceAll('saml:Subject>', ':Subject>'),
  ],
  ['an attribute with two colons', 'credential.malformed', after(' Version=', ' a:b:c="1" Version=')],
  ['an attribute that is a colon', 'credential.malformed', after(' Version=', ' :="1" Version=')],
  ['a directive with a comment in it', 'credential.malformed', after('<saml:Subject>', '<!x <!-- -->><saml:Subject>')],
  ['a directive of quotes', 'credential.malformed', before(`<!x "'>`)],
  ['the empty namespace under a prefix', 'credential.malformed', after(' Version=', ' xmlns:x="" Version=')],
  ['no namespace for the SAML prefix', 'credential.malformed', after('<saml:Subject>', '<saml:Subject xmlns:saml="">')],
  [
    'another namespace for the SAML prefix',
    'credential.malformed',
    after('<saml:Subject>', '<saml:Subject xmlns:saml="urn:evil">'),
  ],
  [
    'another namespace for the prefix of the signature',
    'credential.malformed',
    after('<ds:SignedInfo>', '<ds:SignedInfo xmlns:ds="urn:evil">'),
  ],
  [
    'another namespace for the prefix xml',
    'credential.malformed',
    after(' Version=', ' xmlns:xml="urn:evil" Version='),
  ],
  ['the prefix xmlns', 'credential.malformed', after(' Version=', ' xmlns:xmlns="urn:evil" Version=')],
  [
    'the namespace of XML under another prefix',
    'credential.malformed',
    after(' Version=', ' xmlns:x="http://www.w3.org/XML/1998/namespace" Version='),
  ],
  [
    'the namespace of namespaces as default',
    'credential.malformed',
    after('<saml:Subject>', '<saml:Subject xmlns="http://www.w3.org/2000/xmlns/">'),
  ],
  [
    'a namespace that is a relative reference',
    'credential.malformed',
    after(' Version=', ' xmlns:x="relative" Version='),
  ],
  ['a namespace with a space', 'credential.malformed', after(' Version=', ' xmlns:x="urn:a b" Version=')],
  [
    'a root of SAML 1.1',
    'credential.malformed',
    (w) => good(w).replace(namespaces.saml, 'urn:oasis:names:tc:SAML:1.0:assertion'),
  ],
  [
    'a root of no namespace',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ prefix: '' }).replace(` xmlns="${namespaces.saml}"`, ''),
  ],
  [
    'a namespace in other letters',
    'credential.malformed',
    (w) => good(w).replace(namespaces.saml, namespaces.saml.toUpperCase()),
  ],
  ['a root in other letters', 'credential.malformed', (w) => good(w).replaceAll('saml:Assertion', 'saml:assertion')],
]

const nested = (depth: number) => `${'<x>'.repeat(depth)}${'</x>'.repeat(depth)}`
const inAttribute = (xml: string) => (w: SamlWorld) => w.idp.signedAssertion({ attributes: { x: [{ xml }] } })
const many = (count: number, make: (n: number) => string) => Array.from({ length: count }, (_, n) => make(n)).join('')

const sizes: readonly Hostile[] = [
  ['20,000 elements in each other', 'request.too_large', after('<saml:Subject>', `${nested(20_000)}<saml:Subject>`)],
  ['8,000 elements in each other', 'credential.malformed', after('<saml:Subject>', `${nested(8_000)}<saml:Subject>`)],
  ['100 elements in each other that the issuer signed', 'credential.malformed', inAttribute(nested(100))],
  [
    '9,000 elements beside each other',
    'credential.malformed',
    after('<saml:Subject>', `${'<x/>'.repeat(9_000)}<saml:Subject>`),
  ],
  ['5,000 attributes', 'credential.malformed', after(' Version=', `${many(5_000, (n) => ` a${n}="1"`)} Version=`)],
  [
    '2,000 namespaces',
    'credential.malformed',
    after(' Version=', `${many(2_000, (n) => ` xmlns:n${n}="urn:x:${n}"`)} Version=`),
  ],
  ['2 MB of text', 'request.too_large', after('alice@', `${'a'.repeat(2_000_000)}@`)],
  ['2 MB of white space', 'request.too_large', behind(' '.repeat(2_000_000))],
  ['a name of 50 kB', 'credential.malformed', after('<saml:Subject>', `<${'a'.repeat(50_000)}/><saml:Subject>`)],
  ['a NameID of 50 kB', 'credential.claim_invalid', (w) => w.idp.signedAssertion({ nameId: 'a'.repeat(50_000) })],
]

const table = { truncation, doctypes, encodings, wellFormedness, names, sizes }

for (const [name, rows] of Object.entries(table))
  describe(`XML of assertions: ${name}`, () => refusesAll(rows, () => world))

const token =
  (change: (text: string) => string): ((w: SamlWorld) => string) =>
  (w) =>
    change(Buffer.from(good(w)).toString('base64url'))

/** As the text of the form, not of the assertion. */
const spellings: readonly (readonly [what: string, token: (w: SamlWorld) => string])[] = [
  ['XML as it is', good],
  ['padding', token((text) => `${text}${'='.repeat((4 - (text.length % 4)) % 4)}=`)],
  [
    'the other base64 alphabet',
    (w) =>
      Buffer.from(w.idp.signedAssertion({ nameId: '\u{10ffff}\u{10ffff}??>>' }))
        .toString('base64')
        .replaceAll('=', ''),
  ],
  ['line breaks', token((text) => text.replace(/.{76}/g, '$&\r\n'))],
  ['a space before it', token((text) => ` ${text}`)],
  ['a line break after it', token((text) => `${text}\n`)],
  ['a character more', token((text) => `${text}A`)],
  ['its last character otherwise', (w) => respelled(Buffer.from(padded(good(w))).toString('base64url'))],
  ['percent-encoding twice', token((text) => encodeURIComponent(`${text}=`))],
  ['nothing at all', () => '-'],
]

/** With a length that leaves unused bits in the last character. */
const padded = (xml: string) => xml + ' '.repeat((4 - (Buffer.from(xml).length % 3)) % 3)

const respelled = (text: string) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1) ?? 'A') | 1]
}

describe('spellings of an assertion in the form', () => {
  it.each(spellings.map(([what, make]) => ({ what, make })))('refuses $what', async ({ make }) => {
    expectRefused(await world.postToken(make(world)), 'credential.malformed', world)
  })
})

const equal: readonly Sound[] = [
  ['a byte order mark', before('\uFEFF')],
  ['a byte order mark before an XML declaration', before('\uFEFF<?xml version="1.0"?>')],
  ['an XML declaration', before('<?xml version="1.0" encoding="UTF-8"?>\n')],
  ['an XML declaration that stands alone', before(`<?xml version='1.0' encoding='utf-8' standalone="yes" ?>`)],
  ['a comment before the root', before('<!-- x -->\n')],
  [
    'a forged assertion in a comment before the root',
    (w) => `<!-->${w.attacker.signedAssertion({ nameId: 'admin@example.com' })}-->${good(w)}`,
  ],
  [
    'a forged assertion in CDATA that is signed',
    (w) => {
      const forged = w.idp.assertion({ nameId: 'admin@example.com' })
      const attributes = { note: [{ xml: `<![CDATA[${forged}]]>` }], email: 'alice@example.com', groups: ['one'] }
      return w.idp.signedAssertion({ attributes })
    },
    { ...alice, groups: ['one'] },
  ],
  ['a comment and white space after the root', behind('\n<!-- x -->\n')],
  ['a comment between elements', after('<saml:Subject>', '<!-- x --><saml:Subject>')],
  ['a comment in SignedInfo between elements', after('<ds:Reference', '<!-- x --><ds:Reference')],
  ['CDATA for a name', after('>alice@example.com</saml:NameID>', '><![CDATA[alice@example.com]]></saml:NameID>')],
  ['CDATA in a name', after('>alice@example.com</saml:NameID>', '>alice<![CDATA[@]]>example.com</saml:NameID>')],
  ['empty CDATA', after('>alice@example.com</saml:NameID>', '>alice@<![CDATA[]]>example.com</saml:NameID>')],
  ['character references', after('>alice@example.com</saml:NameID>', '>&#97;lice&#x40;example.com</saml:NameID>')],
  [
    'a predefined entity',
    (w) =>
      changed(w.idp.signedAssertion({ attributes: { email: 'alice@example.com', groups: ['R&D'] } }), '&amp;', '&#38;'),
    { ...alice, groups: ['R&D'] },
  ],
  ['a namespace that nobody uses', after(' Version=', ' xmlns:unused="urn:unused" Version=')],
  ['attributes in another order', (w) => good(w).replace(/( ID="[^"]*")( Version="2.0")/, '$2$1')],
  ['apostrophes around attributes', after('Version="2.0"', "Version='2.0'")],
  ['white space in tags', after('</saml:NameID>', '</saml:NameID  \n>')],
  [
    'a start and an end for an empty element',
    (w) => good(w).replace(/<(saml:SubjectConfirmationData)([^>]*)\/>/, '<$1$2></$1>'),
  ],
]

describe('XML of assertions that says the same in another way', () => acceptsAll(equal, () => world))
