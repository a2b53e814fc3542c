import { afterAll, beforeAll, describe } from 'vitest'
import { canonicalText } from '../world/saml-canonical.ts'
import { namespaces } from '../world/saml-names.ts'
import { changed, partOf } from '../world/saml-text.ts'
import { endingWith } from '../world/saml-wrapping.ts'
import { good, signedBy } from './saml-changes.ts'
import { type Hostile, openSamlWorld, refusesAll, type SamlWorld } from './saml-world.ts'

/** Attacks on SAML that were published, each as far as a bare assertion can carry it. */

let world: SamlWorld
beforeAll(async () => {
  world = await openSamlWorld()
})
afterAll(() => world.stop())

/** A forged assertion under the ID of a genuine one, and the SignedInfo that would be right for it. */
const forgery = (w: SamlWorld) => {
  const genuine = w.idp.signedAssertion({ id: '_a' })
  const forged = changed(genuine, 'alice@example.com', 'admin@example.com')
  const other = w.attacker.sign(w.idp.assertion({ id: '_a', nameId: 'admin@example.com' }))
  const [info, digest] = ['SignedInfo', 'DigestValue'].map((name) => partOf(other, `ds:${name}`))
  return { forged, info: info ?? '', digest: digest ?? '' }
}
const forge = (change: (forged: string, info: string, digest: string) => string) => (w: SamlWorld) => {
  const { forged, info, digest } = forgery(w)
  return change(forged, info, digest)
}
const value = (digest: string) => digest.replace(/<[^>]*>/g, '')
const inObject = (text: string) => `<ds:Object>${text}</ds:Object>`

const signedInfos: readonly Hostile[] = [
  [
    'a second SignedInfo before the signed one (CVE-2025-29774)',
    'credential.malformed',
    forge((xml, info) => changed(xml, /(?=<ds:SignedInfo>)/, info)),
  ],
  [
    'a second SignedInfo after the signed one (CVE-2025-29774)',
    'credential.malformed',
    forge((xml, info) => changed(xml, /(?<=<\/ds:SignedInfo>)/, info)),
  ],
  [
    'a second SignedInfo wrapped in the signature (CVE-2025-29774)',
    'credential.malformed',
    forge((xml, info) => changed(xml, /(?=<\/ds:Signature>)/, inObject(info))),
  ],
  [
    'a second SignedInfo around the signed one (CVE-2025-29774)',
    'credential.malformed',
    forge((xml, info) =>
      changed(xml, partOf(xml, 'ds:SignedInfo'), changed(info, /(?=<\/ds:SignedInfo>)/, partOf(xml, 'ds:SignedInfo'))),
    ),
  ],
  [
    'a second SignedInfo in KeyInfo',
    'credential.signature_invalid',
    forge((xml, info) => changed(xml, /(?<=<ds:KeyInfo>)/, info)),
  ],
  [
    'a comment before the digest (CVE-2025-29775)',
    'credential.malformed',
    forge((xml, _, digest) => changed(xml, /(?<=<ds:DigestValue>)/, `<!--${value(digest)}-->`)),
  ],
  [
    'a comment after the digest (CVE-2025-29775)',
    'credential.malformed',
    forge((xml, _, digest) => changed(xml, /(?=<\/ds:DigestValue>)/, `<!--${value(digest)}-->`)),
  ],
  [
    'the other digest, the signed one in a comment',
    'credential.malformed',
    forge((xml, _, digest) => changed(xml, /(?<=<ds:DigestValue>)([^<]*)/, `${value(digest)}<!-- -->`)),
  ],
  [
    'a second DigestValue before the signed one (CVE-2024-45409)',
    'credential.malformed',
    forge((xml, _, digest) => changed(xml, /(?=<ds:DigestValue>)/, digest)),
  ],
  [
    'a second DigestValue after the signed one (CVE-2024-45409)',
    'credential.malformed',
    forge((xml, _, digest) => changed(xml, /(?<=<\/ds:DigestValue>)/, digest)),
  ],
  [
    'a second DigestValue before the signature (CVE-2024-45409)',
    'credential.malformed',
    forge((xml, _, digest) =>
      changed(
        xml,
        /(?=<ds:Signature )/,
        digest.replace('<ds:DigestValue>', `<ds:DigestValue xmlns:ds="${namespaces.ds}">`),
      ),
    ),
  ],
  [
    'a second DigestValue in KeyInfo (CVE-2024-45409)',
    'credential.signature_invalid',
    forge((xml, _, digest) => changed(xml, /(?<=<ds:KeyInfo>)/, digest)),
  ],
]

const signatures: readonly Hostile[] = [
  [
    'a decoy signature of the same value before the genuine one',
    'credential.malformed',
    forge((xml) => changed(xml, /(?=<ds:Signature )/, decoy(xml))),
  ],
  [
    'a decoy signature of the same value after the genuine one',
    'credential.malformed',
    forge((xml) => changed(xml, /(?<=<\/ds:Signature>)/, decoy(xml))),
  ],
  [
    'a decoy signature of the same value in the genuine one',
    'credential.malformed',
    forge((xml) => changed(xml, /(?=<\/ds:Signature>)/, decoy(xml))),
  ],
  ['an Object in the signature', 'credential.malformed', signedBy({ objects: '<ds:Object>x</ds:Object>' })],
  [
    'an element of another namespace in the signature',
    'credential.malformed',
    signedBy({ objects: '<x xmlns="urn:x"/>' }),
  ],
  ['text in the signature', 'credential.malformed', signedBy({ objects: 'x' })],
  ['the genuine signature beside another one', 'credential.malformed', (w) => w.idp.sign(good(w))],
  ['the signature of an attacker beside the genuine one', 'credential.malformed', (w) => w.attacker.sign(good(w))],
  [
    'a signature that is not a child of the assertion',
    'credential.signature_invalid',
    (w) => w.idp.sign(w.idp.assertion(), { after: /<saml:Subject>/ }),
  ],
  [
    'two elements of one ID',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ id: '_a', attributes: { x: [{ xml: '<e xmlns="urn:e" ID="_a"/>' }] } }),
  ],
]

/** An assertion whose issuer has signed more than one thing that somebody may take for its ID. */
const polluted = (ids: string) => (w: SamlWorld) => {
  const xml = changed(w.idp.assertion({ id: '_a' }), ' ID="_a"', ids)
  return w.idp.sign(xml, { target: '_a', digested: canonicalText(xml, '/*') })
}

const ids: readonly Hostile[] = [
  ['an Id beside the ID', 'credential.malformed', polluted(' Id="_a" ID="_a"')],
  ['another Id beside the ID', 'credential.malformed', polluted(' Id="_b" ID="_a"')],
  ['an id beside the ID', 'credential.malformed', polluted(' ID="_a" id="_b"')],
  ['an ID in a namespace beside the ID', 'credential.malformed', polluted(' xmlns:x="urn:x" x:ID="_b" ID="_a"')],
  ['an ID in the namespace of SAML beside the ID', 'credential.malformed', polluted(' ID="_a" saml:ID="_b"')],
  ['an ID in a namespace alone', 'credential.malformed', polluted(' xmlns:x="urn:x" x:ID="_a"')],
  ['an xml:id beside the ID', 'credential.malformed', polluted(' xml:id="_b" ID="_a"')],
  [
    'void canonicalization by a relative namespace',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ declared: { x: 'relative' } }, { digested: '' }),
  ],
  [
    'void canonicalization by a namespace of one digit (CVE-2025-66568)',
    'credential.malformed',
    (w) => w.idp.signedAssertion({ declared: { x: '1' } }, { digested: '', signedOctets: () => '' }),
  ],
  ['a digest of nothing', 'credential.signature_invalid', signedBy({ digested: '' })],
  ['a signature of nothing', 'credential.signature_invalid', signedBy({ signedOctets: () => '' })],
]

/** What ruby-saml's two parsers told apart (CVE-2025-25291, CVE-2025-25292, CVE-2025-66567): one sees a forged assertion. */
const forgedFor = (w: SamlWorld) => w.idp.assertion({ id: '_forged', nameId: 'admin@example.com' })
const around = (write: (genuine: string, forged: string) => string) => (w: SamlWorld) => write(good(w), forgedFor(w))

const readers: readonly Hostile[] = [
  [
    'a quote in an entity that begins a comment',
    'credential.malformed',
    around((genuine, forged) => `<!DOCTYPE x [<!ENTITY e "'><!--">]>${forged}<!--'">]>-->${genuine}`),
  ],
  [
    'a declaration with a bracket in quotes',
    'credential.malformed',
    around((genuine, forged) => `<!DOCTYPE x "]>${forged}<!--" [ ]-->${genuine}`),
  ],
  [
    'a processing instruction with its end in quotes',
    'credential.malformed',
    around((genuine, forged) => `<?x "?>${forged}<?x "?>${genuine}`),
  ],
  [
    'a comment that ends as HTML has it',
    'credential.malformed',
    around((genuine, forged) => `<!-- --!>${forged}<!-- -->${genuine}`),
  ],
  [
    'a comment within a comment',
    'credential.malformed',
    around((genuine, forged) => `<!-- <!-- -->${forged}-->${genuine}`),
  ],
  [
    'CDATA that ends in a comment',
    'credential.malformed',
    around((genuine, forged) => `<!-- ]]> --><![CDATA[-->${forged}<!--]]>${genuine}`),
  ],
  [
    'a namespace that the declaration of a document gives',
    'credential.malformed',
    around((genuine, forged) =>
      endingWith(
        `<!DOCTYPE saml:Assertion [<!ATTLIST saml:Evidence xmlns:saml CDATA "${namespaces.saml}">]>${genuine}`,
        `<saml:Evidence xmlns:saml="urn:x">${forged}</saml:Evidence>`,
      ),
    ),
  ],
  [
    'an assertion of which the namespace is an attribute of another one',
    'credential.malformed',
    around((genuine, forged) =>
      endingWith(genuine, forged.replace('xmlns:saml=', 'xmlns:x="urn:x" x:saml=').replaceAll('saml:', 'evil:')),
    ),
  ],
  [
    'an assertion under a prefix in other letters',
    'credential.malformed',
    around((genuine, forged) => endingWith(genuine, forged.replaceAll('saml', 'SAML'))),
  ],
  [
    'a signature in the default namespace inside one under a prefix',
    'credential.malformed',
    (w) => {
      const genuine = good(w)
      const inner = partOf(w.attacker.signedAssertion({}, { prefix: '' }), 'Signature')
      return changed(genuine, /(?=<\/ds:KeyInfo>)/, inner)
    },
  ],
]

const decoy = (xml: string) =>
  `<ds:Signature xmlns:ds="${namespaces.ds}">${partOf(xml, 'ds:SignatureValue')}${inObject('<x/>')}</ds:Signature>`

const table = { signedInfos, signatures, ids, readers }

for (const [name, rows] of Object.entries(table))
  describe(`published attacks on assertions: ${name}`, () => refusesAll(rows, () => world))
