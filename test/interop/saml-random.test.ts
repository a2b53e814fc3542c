import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AssertionOptions } from '../world/saml-assertion-text.ts'
import { assertionTemplate } from './saml/assertions.ts'
import { type Believing, startBelieving } from './saml/believing.ts'
import { type RandomContent, randomContents } from './saml/random-xml.ts'
import { signedByXmlsec, verifiedByXmlsec } from './saml/xml-security.ts'
import { believed, issuer, type Signer, signers } from './saml/xmlsec-world.ts'

/** Assertions of random content that the XML Security Library signs, and what becomes of them when they are changed. */

const seed = 20_261_126

interface Signed {
  readonly content: RandomContent
  readonly signer: Signer
  readonly xml: string
}

const optionsOf = ({ texts: [mail, group], extra, prefixes, declared }: RandomContent): AssertionOptions => ({
  prefix: prefixes[0],
  declared,
  attributes: { mail: [{ xml: mail.xml }], groups: ['a', { xml: group.xml }], extra: [{ xml: extra }] },
})

const signedOnes = async (count: number): Promise<readonly Signed[]> => {
  const asked = randomContents(count, seed).map((content, at) => {
    const signer: Signer = at % 2 === 0 ? 'rsa' : 'p256'
    const signature = {
      method: at % 2 === 0 ? ('rsa-sha256' as const) : ('ecdsa-sha256' as const),
      prefix: content.prefixes[1],
      prefixes: content.inclusive,
      infoPrefixes: content.inclusive,
    }
    return { content, signer, template: assertionTemplate({ issuer, assertion: optionsOf(content), signature }) }
  })
  const documents = await signedByXmlsec(
    asked.map(({ template, signer }) => ({ xml: template, key: signers[signer].privateKeyPem })),
  )
  return asked.map(({ content, signer }, at) => ({ content, signer, xml: documents[at] ?? '' }))
}

/** A place in the text, a number of characters to leave out there, and what to write in their place. */
const change = fc.tuple(
  fc.nat(),
  fc.constantFrom(0, 1, 2),
  fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '&',
    ';',
    '/',
    '=',
    ':',
    '!',
    ' ',
    '\n',
    '\r',
    'a',
    '0',
    '.',
    'é',
    '',
    '&#13;',
    ' x=""',
  ),
)

const changedAt = (xml: string, [place, length, put]: readonly [number, number, string]): string => {
  // Whole characters: half of one is not UTF-8.
  const characters = Array.from(xml)
  characters.splice(place % characters.length, length, put)
  return characters.join('')
}

let dragoman: Believing
let signed: readonly Signed[]
beforeAll(async () => {
  dragoman = await startBelieving(believed.sources, believed.files)
  signed = await signedOnes(300)
  return dragoman.stop
})

const claimsOf = ({ texts: [mail, group] }: RandomContent) => ({
  sub: 'user:alice@example.com',
  mail: mail.text,
  groups: ['a', group.text],
})

describe('random assertions', () => {
  it('are believed, and read as they were meant', async () => {
    for (const { content, xml } of signed) expect(await dragoman.accepted(xml), xml).toMatchObject(claimsOf(content))
  })

  it('that are changed are believed only where xmlsec believes them too, and then read as before', async () => {
    const changes = fc.sample(change, { numRuns: signed.length * 4, seed })
    const changed = changes.map((one, at) => {
      const original = signed[at % signed.length]
      if (original === undefined) throw new Error('nothing signed')
      return { ...original, xml: changedAt(original.xml, one) }
    })
    const verdicts = await verifiedByXmlsec(
      changed.map(({ xml, signer }) => ({ xml, certificate: signers[signer].pem })),
    )
    let believedStill = 0
    for (const [at, { content, xml }] of changed.entries()) {
      const claims = await dragoman.claimsOf(xml)
      if (claims === undefined) continue
      believedStill += 1
      expect([true, null], xml).toContain(verdicts[at])
      expect(claims, xml).toMatchObject(claimsOf(content))
    }
    // Blanks in tags and in base64, and namespaces that nothing uses, change nothing.
    expect(believedStill).toBeGreaterThan(0)
    expect(believedStill).toBeLessThan(changed.length / 10)
  })
})
