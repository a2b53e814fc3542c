import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { parseXml, type XmlElement } from '../../src/formats/xml/document.ts'
import { canonicalText } from '../../src/formats/xml/exclusive-c14n.ts'
import { testKey } from '../world/certificates.ts'
import { type RandomDocument, randomDocuments } from './saml/random-xml.ts'
import { signatureTemplate } from './saml/signature-template.ts'
import { canonicalByLibxml, digestsByXmlsec, type Path } from './saml/xml-security.ts'

/** Exclusive canonicalization as libxml2 and the XML Security Library do it, and as dragoman does. */

const documents = randomDocuments(1_000, 20_261_126)

const limits = { characters: 1_000_000, depth: 100, elements: 10_000, attributes: 100 }

const elementsIn = ({ children }: XmlElement): readonly XmlElement[] =>
  children.filter((child) => typeof child !== 'string')

/** The elements on the way to the one at `path`, that one last. */
const alongPath = (root: XmlElement, path: Path): readonly XmlElement[] => {
  const way = [root]
  for (const place of path) {
    const next = elementsIn(way.at(-1) ?? root)[place]
    if (next === undefined) throw new Error('no such element')
    way.push(next)
  }
  return way
}

const canonicalByUs = ({ xml, path, prefixes: inclusivePrefixes }: RandomDocument): string => {
  const root = parseXml(xml, limits)
  const ancestors = [...alongPath(root, path)]
  return canonicalText(ancestors.pop() ?? root, { inclusivePrefixes, ancestors })
}

/** With a signature over the whole document as the last child of its root. */
const withSignature = ({ xml, prefixes }: RandomDocument): string => {
  const signature = signatureTemplate('', prefixes.length === 0 ? {} : { prefixes })
  if (!xml.endsWith('/>')) return xml.replace(/<\/[^<]+>$/, (end) => signature + end)
  return `${xml.slice(0, -2)}>${signature}</${/^<([^\s/>]+)/.exec(xml)?.[1]}>`
}

const digestByUs = (xml: string, inclusivePrefixes: readonly string[]): string => {
  const root = parseXml(xml, limits)
  const without = elementsIn(root).at(-1)
  if (without?.local !== 'Signature') throw new Error('no signature')
  return createHash('sha256').update(canonicalText(root, { inclusivePrefixes, without })).digest('base64')
}

it('libxml2 writes any element of an odd document as dragoman does', async () => {
  // From Python it cannot be told of #default.
  const asked = documents.map((one) => ({ ...one, prefixes: one.prefixes.filter((prefix) => prefix !== '#default') }))
  const theirs = await canonicalByLibxml(asked)
  const ours = asked.map(canonicalByUs)
  expect(ours).toEqual(theirs)
  expect(documents.filter(({ xml }, at) => xml !== ours[at]).length).toBeGreaterThan(900)
})

it('xmlsec takes the digest of an odd document, without the signature in it, as dragoman does', async () => {
  const signed = documents.map(withSignature)
  const theirs = await digestsByXmlsec(signed, testKey('RSA-2048').privateKeyPem)
  expect(signed.map((xml, at) => digestByUs(xml, documents[at]?.prefixes ?? []))).toEqual(theirs)
  expect(documents.filter(({ prefixes }) => prefixes.includes('#default')).length).toBeGreaterThan(80)
})
