import fc from 'fast-check'
import { parseCertificate } from '../../src/formats/x509/certificate.ts'
import { certificateClaims } from '../../src/formats/x509/claims.ts'
import { parseCrl } from '../../src/formats/x509/crl.ts'
import { certificatesInPem, crlsInPem } from '../../src/formats/x509/pem.ts'
import { chainOf, textOfChain } from '../../src/formats/x509-chain-text.ts'
import { pemOf } from '../world/certificates.ts'
import { type Corpus, spareExtensions } from './corpus.ts'
import { changedDer, mutations, type Seed, seedOf } from './der-mutations.ts'
import { elementsOf, type Tree, treeOf } from './der-tree.ts'
import type { Target } from './target.ts'
import { changedText, textMutations } from './text-mutations.ts'

/** What is read before anything is verified: DER, PEM, and chains as tokens carry them. */

/** Elements of good certificates and lists, to be put where they do not belong. */
export const donorsOf = ({ certificates, crls }: Corpus): readonly Tree[] => [
  ...[...certificates, ...crls].flatMap((der) => elementsOf(treeOf(Uint8Array.from(der)))),
  ...spareExtensions().map((der) => treeOf(Uint8Array.from(der))),
]

/** One of `seeds`, changed. */
export const changedSeed = (seeds: readonly Seed[], donors: readonly Tree[]): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.nat({ max: 4095 }), mutations)
    .map(([which, changes]) => changedDer(seedIn(seeds, which), changes, donors))

const seedIn = (seeds: readonly Seed[], which: number): Seed => {
  const seed = seeds[which % seeds.length]
  if (seed === undefined) throw new Error('no seeds')
  return seed
}

/** One of `texts`, changed. */
export const changedTextOf = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat({ max: 4095 }), textMutations)
    .map(([which, changes]) => changedText(texts[which % texts.length] ?? '', changes, texts))

const anyBytes = fc.uint8Array({ maxLength: 64 })

const takeApart = (der: Uint8Array): void => {
  const certificate = parseCertificate(der)
  certificateClaims(certificate, [])
}

export const certificateTargets = (corpus: Corpus): readonly Target<unknown>[] => {
  const donors = donorsOf(corpus)
  const [certificates, crls] = [corpus.certificates.map(seedOf), corpus.crls.map(seedOf)]
  const blocks = corpus.certificates.map((der) => pemOf(der))
  const lists = corpus.crls.map((der) => pemOf(der, 'X509 CRL'))
  const chain = [corpus.leaf.der, corpus.intermediate.der] as const
  const chainTexts = [textOfChain(chain), chain.map((der) => pemOf(der)).join(''), textOfChain([corpus.leaf.der])]
  const ofCertificates: Target<Uint8Array> = {
    name: 'certificate',
    share: 30,
    inputs: fc.oneof({ arbitrary: changedSeed(certificates, donors), weight: 9 }, { arbitrary: anyBytes, weight: 1 }),
    good: corpus.certificates,
    judge: takeApart,
  }
  const ofCrls: Target<Uint8Array> = {
    name: 'crl',
    share: 14,
    inputs: fc.oneof({ arbitrary: changedSeed(crls, donors), weight: 9 }, { arbitrary: anyBytes, weight: 1 }),
    good: corpus.crls,
    judge: parseCrl,
  }
  const ofPem: Target<string> = {
    name: 'pem',
    share: 8,
    inputs: changedTextOf([...blocks, ...lists, blocks.join('\n'), `subject=x\n${blocks[0] ?? ''}`]),
    good: [blocks.join(''), lists.join('')],
    judge: (text) =>
      text.includes('X509 CRL') ? crlsInPem(text).map(parseCrl) : certificatesInPem(text).map(takeApart),
  }
  const ofChains: Target<string> = {
    name: 'chain text',
    share: 8,
    inputs: changedTextOf(chainTexts),
    good: chainTexts,
    judge: (text) => chainOf(text).map(takeApart),
  }
  return [ofCertificates, ofCrls, ofPem, ofChains]
}
