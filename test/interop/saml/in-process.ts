import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import type { TestCertificate } from '../../world/certificates.ts'
import { audience, recipient } from './believing.ts'
import { scripted } from './programs.ts'

/** Identity providers that are a script, which makes metadata and Responses in one go. */

export interface Provider {
  readonly entityId: string
  readonly signer: TestCertificate
  /** Whose key decrypts what it encrypts. */
  readonly encryptFor: TestCertificate
}

const made = z.object({ metadata: z.string(), responses: z.record(z.string(), z.string()) })

export type Made = z.infer<typeof made>

/** What the script `name` of this folder makes. */
export const madeBy = async (name: string, { entityId, signer, encryptFor }: Provider): Promise<Made> => {
  const folder = await mkdtemp(join(tmpdir(), 'dragoman-provider-'))
  const put = async (file: string, text: string): Promise<string> => {
    await writeFile(join(folder, file), text)
    return join(folder, file)
  }
  try {
    const settings = {
      entity_id: entityId,
      key: await put('key.pem', signer.privateKeyPem),
      certificate: await put('certificate.pem', signer.pem),
      encrypt_for: await put('encrypt-for.pem', encryptFor.pem),
      audience,
      recipient,
      folder,
    }
    return await scripted(name, [await put('settings.json', JSON.stringify(settings))], made)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The Response that is special in this way. */
export const responseOf = ({ responses }: Made, special: string): string => {
  const response = responses[special]
  if (response === undefined) throw new Error(`no Response that is ${special}`)
  return response
}
