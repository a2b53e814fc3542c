import * as z from 'zod'
import { secretReference } from './settings.ts'

/** A place in a Vault or OpenBao server: a field of a secret of its KV store, version 2. */
export interface VaultField {
  readonly mount: string
  readonly path: string
  readonly field: string
}

/** Where a secret lies that is presented to somebody else. */
export type SecretPlace = z.output<typeof secretReference> | { readonly keyRef: VaultField }

/** One secret; or two, the one in use and the one that takes its place or is about to go. */
export type PresentedSecret = readonly [SecretPlace] | readonly [SecretPlace, SecretPlace]

const segment = '[A-Za-z0-9_.-]+'
const vaultURL = new RegExp(`^vault://(${segment})/(${segment}(?:/${segment})*)#(${segment})$`)

const keyRef = z
  .string()
  .max(1_024)
  .regex(vaultURL, 'not a place in Vault: vault://MOUNT/PATH#FIELD')
  .refine((text) => !/[/](?:[.]{1,2})(?=[/#])/.test(text), 'a path has no dot segments')
  .transform((text): VaultField => {
    const [, mount = '', path = '', field = ''] = vaultURL.exec(text) ?? []
    return { mount, path: path.startsWith('data/') ? path.slice('data/'.length) : path, field }
  })
  .meta({
    description: 'A field of a secret in Vault or OpenBao, KV version 2: vault://MOUNT/PATH#FIELD.',
    examples: ['vault://secret/partners/stripe#api_key'],
  })

const place = z.union([secretReference, z.strictObject({ keyRef })])

/** A secret that is presented to a partner. It never stands in a document itself. */
export const presentedSecret = z
  .union([place.transform((one): PresentedSecret => [one]), z.array(place).min(1).max(2).transform(slots)])
  .meta({
    description:
      'Where the secret lies: env, file, binding or keyRef; or a list of two while one takes the place of the other.',
    examples: [{ file: '/run/secrets/partner' }],
  })

function slots(places: readonly SecretPlace[]): PresentedSecret {
  const [first, second] = places
  if (first === undefined) return z.NEVER
  return second === undefined ? [first] : [first, second]
}

/** The place in words, for people. */
export const placeText = (reference: SecretPlace): string => {
  if ('env' in reference) return `the environment variable ${reference.env}`
  if ('file' in reference) return `the file ${reference.file}`
  if ('binding' in reference) return `the binding ${reference.binding}`
  const { mount, path, field } = reference.keyRef
  return `vault://${mount}/${path}#${field}`
}
