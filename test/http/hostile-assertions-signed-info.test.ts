import { afterAll, beforeAll, describe } from 'vitest'
import { namespaces, transforms } from '../world/saml-names.ts'
import type { TransformOptions } from '../world/saml-signature.ts'
import { changed, partOf } from '../world/saml-text.ts'
import { good, info, part, signedBy } from './saml-changes.ts'
import { type Hostile, openSamlWorld, refusesAll, type SamlWorld } from './saml-world.ts'

/** Genuine signatures over a SignedInfo that nobody should follow (SAML core 5.4.2 to 5.4.4). */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

const reference = (change: (text: string) => string) =>
  signedBy({ info: (text) => changed(text, partOf(text, 'ds:Reference'), change(partOf(text, 'ds:Reference'))) })
const uri = (text: string | null) => signedBy({ uri: text })
const manifest = (w: SamlWorld) => {
  const made = `<ds:Object xmlns:ds="${namespaces.ds}"><ds:Manifest Id="m">${partOf(good(w), 'ds:Reference')}</ds:Manifest></ds:Object>`
  return w.idp.signedAssertion(
    {},
    {
      uri: '#m',
      objects: made,
      info: (text) => changed(text, ' URI=', ' Type="http://www.w3.org/2000/09/xmldsig#Manifest" URI='),
    },
  )
}

const references: readonly Hostile[] = [
  ['no Reference', 'credential.malformed', reference(() => '')],
  ['two References', 'credential.malformed', reference((text) => text + text)],
  [
    'a second Reference to something else',
    'credential.malformed',
    reference((text) => text + text.replace(/URI="[^"]*"/, 'URI="#other"')),
  ],
  ['a Reference to nothing', 'credential.malformed', uri('#nobody')],
  ['a Reference without the hash', 'credential.malformed', (w) => w.idp.signedAssertion({ id: '_a' }, { uri: '_a' })],
  ['a Reference to the document', 'credential.malformed', uri('')],
  ['a Reference without URI', 'credential.malformed', uri(null)],
  ['a bare hash', 'credential.malformed', uri('#')],
  ['an XPointer to the root', 'credential.malformed', uri('#xpointer(/)')],
  [
    'an XPointer to the ID',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ id: '_a' }, { uri: "#xpointer(id('_a'))" }),
  ],
  [
    'an XPath in the URI',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ id: '_a' }, { uri: "#_a' or @ID='_b" }),
  ],
  [
    'an ID that is percent-encoded',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ id: '_a' }, { uri: '#%5Fa' }),
  ],
  ['a URL', 'credential.malformed', uri('https://attacker.example/assertion.xml')],
  ['the address of a cloud', 'credential.malformed', uri('http://169.254.169.254/latest/meta-data')],
  ['a file', 'credential.malformed', uri('file:///etc/passwd')],
  ['a Manifest', 'credential.malformed', manifest],
]

const steps = (...list: readonly TransformOptions[]) => signedBy({ transforms: list })
const { enveloped, exclusive } = transforms
const stylesheet = `<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/>`

const transformations: readonly Hostile[] = [
  ['no transform', 'credential.malformed', steps()],
  ['an empty list of transforms', 'credential.malformed', info(part('Transforms'), '<ds:Transforms></ds:Transforms>')],
  ['enveloped-signature alone', 'credential.malformed', steps(enveloped)],
  ['exclusive canonicalization alone', 'credential.algorithm_not_allowed', steps(exclusive)],
  ['the transforms in the other order', 'credential.algorithm_not_allowed', steps(exclusive, enveloped)],
  ['enveloped-signature twice', 'credential.algorithm_not_allowed', steps(enveloped, enveloped)],
  ['exclusive canonicalization twice', 'credential.malformed', steps(enveloped, exclusive, exclusive)],
  [
    'comments kept in the content',
    'credential.algorithm_not_allowed',
    steps(enveloped, transforms.exclusiveWithComments),
  ],
  [
    'comments kept in SignedInfo',
    'credential.algorithm_not_allowed',
    signedBy({ canonicalization: transforms.exclusiveWithComments }),
  ],
  [
    'inclusive canonicalization of the content',
    'credential.algorithm_not_allowed',
    steps(enveloped, transforms.inclusive),
  ],
  [
    'inclusive canonicalization of SignedInfo',
    'credential.algorithm_not_allowed',
    signedBy({ canonicalization: transforms.inclusive }),
  ],
  [
    'inclusive canonicalization 1.1 of the content',
    'credential.algorithm_not_allowed',
    steps(enveloped, transforms.inclusive11),
  ],
  ['an unknown canonicalization', 'credential.algorithm_not_allowed', signedBy({ canonicalization: 'urn:canonical' })],
  [
    'no name of a canonicalization',
    'credential.malformed',
    info(/<ds:CanonicalizationMethod[^>]*>/, '<ds:CanonicalizationMethod/>'),
  ],
  ['XSLT', 'credential.malformed', steps(enveloped, exclusive, { algorithm: transforms.xslt, content: stylesheet })],
  [
    'XSLT in place of canonicalization',
    'credential.algorithm_not_allowed',
    steps(enveloped, { algorithm: transforms.xslt, content: stylesheet }),
  ],
  [
    'XSLT first',
    'credential.algorithm_not_allowed',
    steps({ algorithm: transforms.xslt, content: stylesheet }, exclusive),
  ],
  [
    'XPath',
    'credential.algorithm_not_allowed',
    steps(
      { algorithm: transforms.xpath, content: '<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath>' },
      exclusive,
    ),
  ],
  [
    'XPath Filter 2',
    'credential.algorithm_not_allowed',
    steps(
      {
        algorithm: transforms.xpathFilter2,
        content: `<f:XPath xmlns:f="${transforms.xpathFilter2}" Filter="subtract">//ds:Signature</f:XPath>`,
      },
      exclusive,
    ),
  ],
  ['base64', 'credential.algorithm_not_allowed', steps(enveloped, transforms.base64)],
  [
    'something inside enveloped-signature',
    'credential.malformed',
    steps({ algorithm: enveloped, content: '<ds:XPath>1</ds:XPath>' }, exclusive),
  ],
  [
    'an XPath inside exclusive canonicalization',
    'credential.malformed',
    steps(enveloped, { algorithm: exclusive, content: '<ds:XPath>1</ds:XPath>' }),
  ],
  [
    'two lists of prefixes',
    'credential.malformed',
    steps(enveloped, {
      algorithm: exclusive,
      content: `<e:InclusiveNamespaces xmlns:e="${exclusive}" PrefixList="a"/>`.repeat(2),
    }),
  ],
  [
    '10,000 prefixes',
    'credential.malformed',
    signedBy({ prefixes: Array.from({ length: 10_000 }, (_, n) => `p${n}`) }),
  ],
]

const table = { references, transformations }

for (const [name, rows] of Object.entries(table))
  describe(`signatures of assertions: ${name}`, () => refusesAll(rows, () => world))
