import type { Credential } from './credential.ts'
import type { OriginalRequest } from './original-request.ts'
import type { PresentedCertificate } from './presented-certificate.ts'
import type { Secret } from './secret.ts'
import type { Seconds } from './time.ts'
import type { TokenType } from './token-type.ts'

/** How a caller of the token endpoint says who it is; nothing in it is believed yet. */
export type ClientCredential =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post'
      readonly id: string
      readonly secret: Secret<string>
    }
  | { readonly method: 'private_key_jwt'; readonly id?: string; readonly assertion: Secret<string> }
  /** A JWT-SVID as client assertion (OAuth SPIFFE client authentication, section 4.1). */
  | { readonly method: 'spiffe_jwt'; readonly id?: string; readonly assertion: Secret<string> }
  /** Nothing but the client certificate (RFC 8705 section 2): which method it is, the registration says. */
  | { readonly method: 'certificate'; readonly id: string; readonly certificate: PresentedCertificate }

/** What an exchange asks for (RFC 8693 section 2.1). */
export interface ExchangeRequest extends Wish {
  readonly client: ClientCredential
}

/** What is asked for, whoever asks. */
export interface Wish {
  readonly subject: Credential
  /** The party that acts for the subject, where the request names one (RFC 8693 section 2.1). */
  readonly actor?: Credential
  /** The certificate over which the request came, whoever authenticated how. */
  readonly certificate?: PresentedCertificate
  /** The gateway that asks, and what its caller asked of it; absent at the token endpoint. */
  readonly gateway?: Passage
  /** `audience` and `resource` together: the distinct targets, in the order they were asked. */
  readonly targets: readonly string[]
  /** The scopes asked for; absent when none was named. */
  readonly scope?: readonly string[]
  readonly requestedTokenType?: TokenType
  /** The longest lifetime the caller wants. */
  readonly lifetime?: Seconds
}

/** A request on its way through a gateway. */
export interface Passage {
  /** The gateway's name. */
  readonly name: string
  readonly request: OriginalRequest
}
