import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { programs, scripted } from './programs.ts'

/** The XML Security Library at work: many jobs at once, since a start of it takes longer than most of them. */

const perform = async <T>(what: string, jobs: readonly object[], result: z.ZodType<T>): Promise<readonly T[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'dragoman-xml-'))
  try {
    const file = join(folder, 'jobs.json')
    await writeFile(file, JSON.stringify(jobs.map((job) => ({ do: what, ...job }))))
    return await scripted('xml_security.py', [file], z.array(result), { PYTHONPATH: programs.wheels })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface ToSign {
  /** With a Signature in it, or several, whose DigestValue and SignatureValue are empty. */
  readonly xml: string
  /** PEM. */
  readonly key: string
}

const signatureValues = (documents: readonly ToSign[]): Promise<readonly (readonly string[])[]> =>
  perform('sign', documents, z.array(z.string()))

/** The DigestValue of the one Signature in each document. */
export const digestsByXmlsec = async (documents: readonly string[], key: string): Promise<readonly string[]> =>
  (await signatureValues(documents.map((xml) => ({ xml, key })))).map(([digest = '']) => digest)

const empty = /<((?:[^\s<>/:]+:)?(?:DigestValue|SignatureValue))(?:\/>|><\/\1>)/g

/** Each document, to the letter, with its signatures filled in. */
export const signedByXmlsec = async (documents: readonly ToSign[]): Promise<readonly string[]> => {
  const values = await signatureValues(documents)
  return documents.map(({ xml }, at) => {
    const rest = values[at]?.values()
    return xml.replace(empty, (_, name: string) => `<${name}>${rest?.next().value ?? ''}</${name}>`)
  })
}

/** Do all signatures in each document hold under its certificate? Null: its namespaces keep xmlsec from saying. */
export const verifiedByXmlsec = (
  documents: readonly { readonly xml: string; readonly certificate: string }[],
): Promise<readonly (boolean | null)[]> => perform('verify', documents, z.boolean().nullable())

export interface ToEncrypt {
  /** An EncryptedData without values. */
  readonly template: string
  /** PEM: whose key decrypts. */
  readonly certificate: string
  /** The length of the key for the content. */
  readonly bits: number
}

/** Each text, to the letter, in an EncryptedData. */
export const encryptedByXmlsec = (
  texts: readonly (ToEncrypt & { readonly plain: string })[],
): Promise<readonly string[]> => perform('encrypt', texts, z.string())

/** Where an element is: the places of child elements, beginning at the root element. */
export type Path = readonly number[]

/** Each document with one element of it replaced by an EncryptedData, as the library takes an element out of a document. */
export const encryptedInPlace = (
  documents: readonly (ToEncrypt & { readonly xml: string; readonly path: Path })[],
): Promise<readonly string[]> => perform('encrypt', documents, z.string())

/** An element of each document in exclusive canonical form. */
export const canonicalByLibxml = (
  documents: readonly { readonly xml: string; readonly path: Path; readonly prefixes: readonly string[] }[],
): Promise<readonly string[]> => perform('canonicalize', documents, z.string())
