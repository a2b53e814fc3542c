import type { HashAlgorithm } from '../../ports/digest.ts'

/** What node:crypto calls the hashes. */
export const hashNames: Readonly<Record<HashAlgorithm, string>> = {
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
}
