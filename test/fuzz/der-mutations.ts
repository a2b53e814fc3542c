import fc from 'fast-check'
import { derOf, elementsOf, lengthOctets, replaced, sizeOf, type Tree, treeOf } from './der-tree.ts'

/** A change to DER: what, where, and by how much. The numbers are free; whatever they are, they mean something. */
interface Mutation {
  readonly what: number
  readonly at: number
  readonly by: number
}

/** Some changes, most often few. */
export type Mutations = readonly Mutation[]

const number = fc.nat({ max: 0x3fff_ffff })
const mutation: fc.Arbitrary<Mutation> = fc.record(
  { what: fc.nat({ max: 255 }), at: number, by: number },
  { noNullPrototype: true },
)

/** One to four changes, most often one: what is changed in many places is refused for the first of them. */
export const mutations: fc.Arbitrary<Mutations> = fc.oneof(
  { arbitrary: fc.array(mutation, { minLength: 1, maxLength: 1 }), weight: 3 },
  { arbitrary: fc.array(mutation, { minLength: 2, maxLength: 4 }), weight: 2 },
)

/** A good encoding that changes are made to. */
export interface Seed {
  readonly der: Uint8Array
  readonly tree: Tree
}

export const seedOf = (der: Uint8Array): Seed => ({ der, tree: treeOf(der) })

/** `seed` with `changes` made to its elements, each written with the right length unless the change is to that. */
export const changedTree = (seed: Seed, changes: Mutations, donors: readonly Tree[]): Tree =>
  changes.reduce((tree, change) => {
    const elements = elementsOf(tree)
    const target = elements[change.at % elements.length] ?? tree
    const make = treeChanges[change.what % treeChanges.length] ?? keep
    const [first = tree, ...others] = replaced(tree, target, make(target, change, donors))
    return others.length === 0 ? first : wrap(0x30, [first, ...others])
  }, seed.tree)

/** `seed` with `changes`: most often to its elements, else to its bytes. */
export const changedDer = (seed: Seed, changes: Mutations, donors: readonly Tree[]): Uint8Array => {
  if ((changes[0]?.what ?? 0) >= 216) return changedBytes(seed.der, changes)
  return derOf(changedTree(seed, changes, donors))
}

/** Nothing that is read is larger than this; a little more must be refused. */
const largest = 80_000

/** Most often a few, now and then thousands. */
const many = (by: number, most: number): number => 1 + (by % 64 === 0 ? (by >> 6) % most : (by >> 6) % 8)

const none = new Uint8Array()
const wrap = (tag: number, children: readonly Tree[]): Tree => ({ tag, prefix: none, children })

type TreeChange = (target: Tree, change: Mutation, donors: readonly Tree[]) => readonly Tree[]

const keep: TreeChange = (target) => [target]

const donorOf = (donors: readonly Tree[], by: number): Tree => donors[by % donors.length] ?? wrap(0x30, [])

const copies: TreeChange = (target, { by }) => {
  const count = Math.min(1 + many(by, 4_000), Math.max(1, Math.floor(largest / sizeOf(target))))
  return Array.from({ length: count }, () => target)
}

const nested: TreeChange = (target, { by }) => {
  const tag = [0x30, 0x31, 0xa0, 0x24, 0x04][by % 5] ?? 0x30
  let tree = target
  for (let depth = many(by, 400); depth > 0; depth--) tree = wrap(tag, [tree])
  return [tree]
}

/** One of the same tag from elsewhere: right in its form, wrong in its place. */
const kin: TreeChange = (target, { by }, donors) => {
  for (let i = 0; i < donors.length; i++) {
    const donor = donorOf(donors, by + i)
    if (donor.tag === target.tag) return [donor]
  }
  return [target]
}

const filled: TreeChange = ({ tag }, { at, by }) => [
  { tag, prefix: none, content: new Uint8Array(many(by, largest)).fill(at & 0xff) },
]

/** Contents that readers are known to differ about: signs, zeros, ends of ranges, separators, line ends, NUL. */
const telling = [
  [],
  [0],
  [0xff],
  [0x80],
  [0, 0],
  [0, 1],
  [0x7f, 0xff],
  [0x80, 0x01],
  [0, 0xff],
  [7, 0],
  [8, 0],
  [0, 0x80],
  [0x2a, 0x80, 0x01],
  [0x2a, 0x86],
  [0x55, 0x1d, 0x25, 0],
  [...Array(40).fill(0xff)],
  [0x2a, ...Array(30).fill(0xff), 0x7f],
].map((octets) => Uint8Array.from(octets as number[]))
const tellingTexts = [
  '\0',
  'a\0.example',
  '*',
  '*.',
  '.',
  '..',
  '@',
  '@@',
  'a@',
  '.example',
  'xn--',
  'spiffe://',
  'spiffe://a/b',
  'https://',
  'https://[::1',
  'https://a@b:99999/',
  '\r\n',
  'é',
  '\u{1F600}',
  '000000000000Z',
  '991332250000Z',
  '20491231235959Z',
  '99991231235959Z',
  '202601010000Z',
  '20260101000000.5Z',
  '260101000000+0100',
  '260229000000Z',
].map((text) => new TextEncoder().encode(text))
const tellingContents = [...telling, ...tellingTexts]

const toldContent: TreeChange = ({ tag }, { by }) => [
  { tag, prefix: none, content: tellingContents[by % tellingContents.length] ?? none },
]

const changedContent: TreeChange = (target, change) => {
  const content = target.content ?? derOf(target)
  return [{ tag: target.tag, prefix: none, content: changedBytes(content, [{ ...change, what: change.by }]) }]
}

/** Lengths that are not the shortest, not there, not true, or beyond everything. */
const wrongLength: TreeChange = (target, { by }) => {
  const size = sizeOf({ ...target, length: none }) - 1
  const lengths = [
    Uint8Array.of(0x80),
    Uint8Array.of(0x81, size & 0xff),
    Uint8Array.of(0x82, (size >> 8) & 0xff, size & 0xff),
    Uint8Array.of(0x84, 0, 0, (size >> 8) & 0xff, size & 0xff),
    Uint8Array.of(0x84, 0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(0xff),
    lengthOctets(size + 1),
    lengthOctets(Math.max(0, size - 1)),
    lengthOctets(0),
  ]
  return [{ ...target, length: lengths[by % lengths.length] ?? none }]
}

const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x1f, 0x30, 0x31, 0x80, 0xa0, 0xbf,
]

const treeChanges: readonly TreeChange[] = [
  (target, { by }) => [{ ...target, tag: by & 0xff }],
  (target, { by }) => [{ ...target, tag: tags[by % tags.length] ?? 0x30 }],
  (target, { by }) => [{ ...target, tag: target.tag ^ (1 << (by % 8)) }],
  () => [],
  (target) => [target, target],
  copies,
  nested,
  (_, { by }, donors) => [donorOf(donors, by)],
  (target, { by }, donors) => [target, donorOf(donors, by)],
  (target, { by }, donors) => [donorOf(donors, by), target],
  (target) => (target.children === undefined ? [target] : [{ ...target, children: target.children.toReversed() }]),
  (target) => target.children ?? [target],
  filled,
  wrongLength,
  (target) => [{ ...target, prefix: Uint8Array.of(0) }],
  ...Array<TreeChange>(6).fill(kin),
  ...Array<TreeChange>(3).fill(toldContent),
  ...Array<TreeChange>(3).fill(changedContent),
]

type ByteChange = (bytes: Uint8Array, at: number, by: number) => Uint8Array

const spliced = (bytes: Uint8Array, from: number, to: number, put: Uint8Array): Uint8Array => {
  const out = new Uint8Array(from + put.length + Math.max(0, bytes.length - to))
  out.set(bytes.subarray(0, from))
  out.set(put, from)
  out.set(bytes.subarray(to), from + put.length)
  return out
}

const byteChanges: readonly ByteChange[] = [
  (bytes, at, by) => spliced(bytes, at, at + 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (by % 8)))),
  (bytes, at, by) => spliced(bytes, at, at + 1, Uint8Array.of(by & 0xff)),
  (bytes, at, by) => spliced(bytes, at, at + 1, Uint8Array.of((bytes[at] ?? 0) + (by % 2 === 0 ? 1 : 255))),
  (bytes, at, by) => spliced(bytes, at, at, Uint8Array.of(by & 0xff)),
  (bytes, at, by) => spliced(bytes, at, at, tellingContents[by % tellingContents.length] ?? none),
  (bytes, at, by) => spliced(bytes, at, at + (by % 16), none),
  (bytes, at, by) => spliced(bytes, at, at, bytes.subarray(at, at + many(by, 4_000))),
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, by) => spliced(bytes, bytes.length, bytes.length, new Uint8Array(many(by, largest)).fill(at & 0xff)),
]

/** `bytes` with `changes` made to them wherever elements begin or end. */
export const changedBytes = (bytes: Uint8Array, changes: Mutations): Uint8Array =>
  changes.reduce((changed, { what, at, by }) => {
    const change = byteChanges[what % byteChanges.length]
    return change === undefined || changed.length === 0 ? changed : change(changed, at % changed.length, by)
  }, bytes)
