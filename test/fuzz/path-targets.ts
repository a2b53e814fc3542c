import { sign } from 'node:crypto'
import fc from 'fast-check'
import { type Certificate, parseCertificate } from '../../src/formats/x509/certificate.ts'
import { parseCrl } from '../../src/formats/x509/crl.ts'
import { validatePath } from '../../src/formats/x509/path.ts'
import { spiffeIdOf, validateSvid } from '../../src/formats/x509-svid.ts'
import { createNodeCertificateSignatures } from '../../src/runtimes/node/certificate-signatures.ts'
import { algorithmOf, now, type TestKey } from '../world/certificates.ts'
import { bitString, type Der, sequence } from '../world/der.ts'
import { changedSeed, donorsOf } from './certificate-targets.ts'
import type { Corpus } from './corpus.ts'
import { changedTree, mutations, type Seed, seedOf } from './der-mutations.ts'
import { derOf, type Tree, treeOf } from './der-tree.ts'
import type { Target } from './target.ts'

/** Paths under real signatures: of changed certificates and lists, and of changed ones that were signed again. */

/** What is presented, in DER. */
export interface Presented {
  readonly leaf: Uint8Array
  readonly intermediates: readonly Uint8Array[]
  readonly crls?: readonly Uint8Array[]
}

const signatures = createNodeCertificateSignatures()
const at = now()

/** Judges it as a verifier does. @throws FormatError, PathError */
export const validated = ({ leaf, intermediates, crls }: Presented, anchors: readonly Certificate[]) =>
  validatePath(
    {
      leaf: parseCertificate(leaf),
      intermediates: intermediates.map(parseCertificate),
      anchors,
      at,
      extendedKeyUsage: 'clientAuth',
      ...(crls === undefined ? {} : { crls: crls.map(parseCrl) }),
    },
    signatures,
  )

const hexOf = (der: Uint8Array): string => Buffer.from(der).toString('hex')

/** A defect: the one thing that must never happen. */
export const accepted = (what: string): never => {
  throw new Error(`accepted: ${what}`)
}

/** A changed leaf or intermediate, next to the good ones or in their place. Only good ones may ever be believed. */
const changedPath = (corpus: Corpus, donors: readonly Tree[]): Target<Presented> => {
  const { leaf, intermediate, crossSigned, root } = corpus
  const anchors = [parseCertificate(root.der)]
  const good = new Set(corpus.certificates.map(hexOf))
  const among = [intermediate.der, crossSigned.der]
  return {
    name: 'changed path',
    share: 12,
    inputs: fc.oneof(
      changedSeed([seedOf(leaf.der)], donors).map((der) => ({ leaf: der, intermediates: [intermediate.der] })),
      changedSeed([seedOf(intermediate.der)], donors).map((der) => ({ leaf: leaf.der, intermediates: [der] })),
      changedSeed(among.map(seedOf), donors).map((der) => ({ leaf: leaf.der, intermediates: [der, ...among] })),
    ),
    good: [{ leaf: leaf.der, intermediates: [intermediate.der] }],
    async judge(presented) {
      const { certificates } = await validated(presented, anchors)
      if (!certificates.every(({ der }) => good.has(hexOf(der)))) accepted('a certificate that nobody signed')
    },
  }
}

/** The leaf is revoked; nothing that is done to the list makes it valid, unless it becomes another good list. */
const changedLists = (corpus: Corpus, donors: readonly Tree[]): Target<Presented> => {
  const { leaf, intermediate, root, rootCrl, intermediateCrl } = corpus
  const anchors = [parseCertificate(root.der)]
  const goodLists = new Set(corpus.crls.map(hexOf))
  const revoking = intermediate.crl({ revoked: [{ serial: leaf.serial }] })
  const chain = { leaf: leaf.der, intermediates: [intermediate.der] }
  return {
    name: 'changed lists',
    share: 6,
    inputs: changedSeed([seedOf(revoking)], donors).map((der) => ({ ...chain, crls: [rootCrl, der] })),
    good: [{ ...chain, crls: [rootCrl, intermediateCrl] }],
    async judge(presented) {
      await validated(presented, anchors)
      if (!presented.crls?.every((der) => goodLists.has(hexOf(der)))) accepted('a revoked certificate')
    },
  }
}

/** The signed part of `der`, to be changed and signed again. */
const signedPart = (der: Uint8Array): Seed => {
  const tbs = treeOf(Uint8Array.from(der)).children?.[0]
  if (tbs === undefined) throw new Error('nothing is signed')
  return { der: derOf(tbs), tree: tbs }
}

const signedAgain = (tbs: Der, key: TestKey): Uint8Array =>
  Uint8Array.from(sequence(tbs, algorithmOf(key.kind), bitString(sign('sha256', tbs, key.privateKey))))

/** What a hostile authority below the root could issue: changed at will, and truly signed. It may well be accepted. */
const signedPath = (corpus: Corpus, donors: readonly Tree[]): Target<Presented> => {
  const { leaf, intermediate, root, rootCrl, intermediateCrl } = corpus
  const anchors = [parseCertificate(root.der)]
  const again = (der: Uint8Array, key: TestKey): fc.Arbitrary<Uint8Array> =>
    mutations.map((changes) => signedAgain(derOf(changedTree(signedPart(der), changes, donors)), key))
  const chain = { leaf: leaf.der, intermediates: [intermediate.der] }
  return {
    name: 'signed path',
    share: 12,
    inputs: fc.oneof(
      again(leaf.der, intermediate.key).map((der) => ({ ...chain, leaf: der })),
      again(intermediate.der, root.key).map((der) => ({ ...chain, intermediates: [der] })),
      fc
        .tuple(again(leaf.der, intermediate.key), again(intermediate.der, root.key))
        .map(([der, above]) => ({ leaf: der, intermediates: [above] })),
      again(intermediateCrl, intermediate.key).map((der) => ({ ...chain, crls: [rootCrl, der] })),
    ),
    good: [chain],
    judge: (presented) => validated(presented, anchors),
  }
}

/** A changed SVID, or one that a changed authority signed: only the good one may be believed. */
const changedSvid = (corpus: Corpus, donors: readonly Tree[]): Target<Presented> => {
  const { svid, intermediate, root } = corpus
  const authorities = [parseCertificate(root.der)]
  const good = new Set(corpus.certificates.map(hexOf))
  return {
    name: 'svid',
    share: 6,
    inputs: fc.oneof(
      changedSeed([seedOf(svid.der)], donors).map((der) => ({ leaf: der, intermediates: [intermediate.der] })),
      changedSeed([seedOf(intermediate.der)], donors).map((der) => ({ leaf: svid.der, intermediates: [der] })),
    ),
    good: [{ leaf: svid.der, intermediates: [intermediate.der] }],
    async judge(presented) {
      const leaf = parseCertificate(presented.leaf)
      const intermediates = presented.intermediates.map(parseCertificate)
      const judgement = { authorities, at, purpose: 'clientAuth' } as const
      const { certificates } = await validateSvid({ id: spiffeIdOf(leaf), leaf, intermediates }, judgement, signatures)
      if (!certificates.every(({ der }) => good.has(hexOf(der)))) accepted('an SVID that nobody signed')
    },
  }
}

export const pathTargets = (corpus: Corpus): readonly Target<unknown>[] => {
  const donors = donorsOf(corpus)
  return [changedPath, changedLists, signedPath, changedSvid].map((make): Target<unknown> => make(corpus, donors))
}
