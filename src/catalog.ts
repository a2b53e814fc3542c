import type { AnyAuthenticator } from './authenticate/authenticator.ts'
import { clientSecretBasic } from './authenticate/client_secret_basic.ts'
import { clientSecretPost } from './authenticate/client_secret_post.ts'
import { privateKeyJwt } from './authenticate/private_key_jwt.ts'
import { oidc } from './verify/oidc.ts'
import type { AnyVerifier } from './verify/verifier.ts'

/** Everything that dragoman can speak. A new kind is one file and one word here. */

export const authenticators: readonly AnyAuthenticator[] = [clientSecretBasic, clientSecretPost, privateKeyJwt]

export const verifiers: readonly AnyVerifier[] = [oidc]
