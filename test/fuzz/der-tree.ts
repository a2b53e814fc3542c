/** DER as a tree that can be changed and written again, rightly or wrongly. */
export interface Tree {
  readonly tag: number
  /** What stands before the elements inside: the octet for unused bits of a BIT STRING that wraps DER. */
  readonly prefix: Uint8Array
  /** The elements inside; undefined where there is only content. */
  readonly children?: readonly Tree[]
  readonly content?: Uint8Array
  /** The length as it is to be written in place of the true one: its octets. */
  readonly length?: Uint8Array
}

const none = new Uint8Array()

/** Wraps that are looked into: OCTET STRING and BIT STRING. */
const octetString = 0x04
const bitString = 0x03

/** Reads good DER. Strings of octets that hold DER themselves, as extensions and keys do, are taken apart as well. */
export const treeOf = (der: Uint8Array): Tree => {
  const trees = treesIn(der)
  const [tree] = trees ?? []
  if (tree === undefined || trees?.length !== 1) throw new Error('not one element of DER')
  return tree
}

/** The elements that fill `der`; undefined when it is not filled by elements. */
const treesIn = (der: Uint8Array): readonly Tree[] | undefined => {
  const trees: Tree[] = []
  let at = 0
  while (at < der.length) {
    const found = contentAt(der, at)
    if (found === undefined) return undefined
    const tree = treeWith(der[at] ?? 0, found.content)
    if (tree === undefined) return undefined
    trees.push(tree)
    at = found.end
  }
  return trees
}

const treeWith = (tag: number, content: Uint8Array): Tree | undefined => {
  const wraps = tag === octetString || (tag === bitString && content[0] === 0)
  if ((tag & 0x20) === 0 && !wraps) return { tag, prefix: none, content }
  const prefix = tag === bitString ? content.subarray(0, 1) : none
  const children = treesIn(content.subarray(prefix.length))
  if (wraps && (children === undefined || children.length === 0)) return { tag, prefix: none, content }
  return children === undefined ? undefined : { tag, prefix, children }
}

const contentAt = (der: Uint8Array, at: number): { readonly content: Uint8Array; readonly end: number } | undefined => {
  const first = der[at + 1]
  if (first === undefined || first === 0x80 || first > 0x83 || (der[at] ?? 0) % 0x20 === 0x1f) return undefined
  const octets = first < 0x80 ? 0 : first - 0x80
  let length = first < 0x80 ? first : 0
  for (let i = 0; i < octets; i++) length = length * 256 + (der[at + 2 + i] ?? 0)
  const start = at + 2 + octets
  const end = start + length
  return end > der.length ? undefined : { content: der.subarray(start, end), end }
}

/** Writes `tree`, with the lengths that it has, unless it says others. */
export const derOf = (tree: Tree): Uint8Array => {
  const out = new Uint8Array(sizeOf(tree))
  write(tree, out, 0)
  return out
}

const contentSize = ({ children, content, prefix }: Tree): number => {
  if (content !== undefined) return content.length
  let size = prefix.length
  for (const child of children ?? []) size += sizeOf(child)
  return size
}

export const sizeOf = (tree: Tree): number => {
  const size = contentSize(tree)
  return 1 + (tree.length?.length ?? lengthSize(size)) + size
}

/** How many octets the length takes (X.690 section 10.1). */
const lengthSize = (length: number): number => {
  if (length < 0x80) return 1
  if (length < 0x100) return 2
  return length < 0x10000 ? 3 : 4
}

const write = (tree: Tree, out: Uint8Array, at: number): number => {
  out[at] = tree.tag
  let next = writeLength(tree, out, at + 1)
  if (tree.content !== undefined) {
    out.set(tree.content, next)
    return next + tree.content.length
  }
  out.set(tree.prefix, next)
  next += tree.prefix.length
  for (const child of tree.children ?? []) next = write(child, out, next)
  return next
}

const writeLength = (tree: Tree, out: Uint8Array, at: number): number => {
  if (tree.length !== undefined) {
    out.set(tree.length, at)
    return at + tree.length.length
  }
  const length = contentSize(tree)
  const octets = lengthSize(length) - 1
  out[at] = octets === 0 ? length : 0x80 + octets
  for (let i = 0; i < octets; i++) out[at + octets - i] = length >> (8 * i)
  return at + 1 + octets
}

/** The length of DER in the fewest octets. */
export const lengthOctets = (length: number): Uint8Array => {
  const octets = lengthSize(length) - 1
  if (octets === 0) return Uint8Array.of(length)
  return Uint8Array.of(0x80 + octets, ...Array.from({ length: octets }, (_, i) => length >> (8 * (octets - 1 - i))))
}

/** Every element of `tree`, in the order of the bytes. */
export const elementsOf = (tree: Tree): readonly Tree[] => {
  const elements: Tree[] = []
  const collect = (each: Tree): void => {
    elements.push(each)
    for (const child of each.children ?? []) collect(child)
  }
  collect(tree)
  return elements
}

/** `tree` with other elements in the place of its element `target`, which is known by identity; none to take it away. */
export const replaced = (tree: Tree, target: Tree, by: readonly Tree[]): readonly Tree[] => {
  if (tree === target) return by
  if (tree.children === undefined) return [tree]
  return [{ ...tree, children: tree.children.flatMap((child) => replaced(child, target, by)) }]
}
