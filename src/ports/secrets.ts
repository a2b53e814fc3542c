import type { Secret } from '../domain/secret.ts'

/** Where a secret lies. Documents hold references only, never the secret. */
export type SecretReference = { readonly env: string } | { readonly file: string } | { readonly binding: string }

/** Reads a secret from where the deployment keeps it. Throws when it is not there or empty. */
export interface Secrets {
  read(reference: SecretReference): Promise<Secret<string>>
}
