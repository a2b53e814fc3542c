import type { Audit } from './audit.ts'
import type { CertificateSignatures } from './certificate-signatures.ts'
import type { Clock } from './clock.ts'
import type { CredentialStore } from './credential-store.ts'
import type { Decryption } from './decryption.ts'
import type { Digest } from './digest.ts'
import type { Files } from './files.ts'
import type { Http } from './http.ts'
import type { Ids } from './ids.ts'
import type { Log } from './log.ts'
import type { Meters } from './meters.ts'
import type { RateLimits } from './rate-limits.ts'
import type { ReplayGuard } from './replay.ts'
import type { Secrets } from './secrets.ts'
import type { Signatures } from './signatures.ts'

/** All that the inside asks of the outside. A runtime composes it once. */
export interface Ports {
  readonly clock: Clock
  readonly http: Http
  readonly files: Files
  readonly secrets: Secrets
  readonly signatures: Signatures
  readonly certificateSignatures: CertificateSignatures
  readonly decryption: Decryption
  readonly digest: Digest
  readonly ids: Ids
  readonly replay: ReplayGuard
  readonly rateLimits: RateLimits
  readonly audit: Audit
  readonly log: Log
  readonly meters: Meters
  /** Where what partners gave outlives this process, encrypted. */
  readonly credentials: CredentialStore
}
