import { clientSecret } from './client-secret.ts'

/** The secret in the Authorization header. */
export const clientSecretBasic = clientSecret('client_secret_basic')
