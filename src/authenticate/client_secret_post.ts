import { clientSecret } from './client-secret.ts'

/** The secret in the form. */
export const clientSecretPost = clientSecret('client_secret_post')
