import { readFile } from 'node:fs/promises'

/** What the tests ask of a program that makes certificates, so that each program is asked the same. */

export const keyKinds = ['rsa', 'rsaPss', 'p256', 'p384', 'p521', 'ed25519'] as const

/** An RSA key has 2048 bits and signs as PKCS #1 v1.5 or, of the kind `rsaPss`, as RSASSA-PSS; its own key is the same. */
export type KeyKind = (typeof keyKinds)[number]

/** A kind of name and its values, as subject alternative names (RFC 5280 section 4.2.1.6) or as subtrees of names. */
export type Names = Readonly<Partial<Record<'dns' | 'email' | 'uri' | 'ip', readonly string[]>>>

export interface Profile {
  readonly commonName: string
  /** Present in a certificate of an authority. */
  readonly authority?: { readonly pathLength?: number; readonly permitted?: Names; readonly excluded?: Names }
  readonly names?: Names
  readonly purposes?: readonly ('client' | 'server')[]
  /** By default from an hour ago to a day ahead. */
  readonly validity?: Validity
}

export interface Validity {
  readonly from: Date
  readonly until: Date
}

/** A certificate and its key, as PEM files. */
export interface Issued {
  readonly kind: KeyKind
  readonly certificate: string
  readonly key: string
}

export interface Toolkit {
  readonly name: string
  /** A certificate for a new key, by `issuer` or without one by itself. Its files are named after the common name. */
  readonly issue: (folder: string, kind: KeyKind, profile: Profile, issuer?: Issued) => Promise<Issued>
  /** The PEM file of a list that revokes these certificates of `issuer`, good for a day. */
  readonly revoke: (issuer: Issued, revoked: readonly Issued[]) => Promise<string>
}

const hours = 3_600_000

export const validityOf = ({ validity }: Profile): Validity =>
  validity ?? { from: new Date(Date.now() - hours), until: new Date(Date.now() + 24 * hours) }

/** Where the files of one certificate lie, without their endings. */
export const stemIn = (folder: string, { commonName }: Profile): string =>
  `${folder}/${commonName.replaceAll(/[^\w.-]/g, '_')}`

/** The certificates of a path in one PEM text, in the order given. */
export const chainPem = async (issued: readonly Issued[]): Promise<string> =>
  (await Promise.all(issued.map(({ certificate }) => readFile(certificate, 'utf8')))).join('')

/** A root, an authority below it, and a leaf for clients below that, all with keys of one kind. */
export interface Chain {
  readonly root: Issued
  readonly intermediate: Issued
  readonly leaf: Issued
}

export type ChainChanges = Readonly<Partial<Record<keyof Chain, Partial<Profile>>>>

/** Makes a chain in `folder`; `own` adds to what the certificates say, or replaces it. */
export const makeChain = async (
  toolkit: Toolkit,
  folder: string,
  kind: KeyKind,
  own: ChainChanges = {},
): Promise<Chain> => {
  const root = await toolkit.issue(folder, kind, { commonName: `${kind} root`, authority: {}, ...own.root })
  const authority = { commonName: `${kind} intermediate`, authority: { pathLength: 0 }, ...own.intermediate }
  const intermediate = await toolkit.issue(folder, kind, authority, root)
  const workload: Profile = { commonName: `${kind} leaf`, names: leafNames, purposes: ['client'], ...own.leaf }
  return { root, intermediate, leaf: await toolkit.issue(folder, kind, workload, intermediate) }
}

/** The names in the leaf of a chain. */
export const leafNames = {
  dns: ['orders.prod.test.example'],
  email: ['orders@prod.test.example'],
  uri: ['urn:example:workload:orders'],
  ip: ['192.0.2.7'],
} as const satisfies Names
