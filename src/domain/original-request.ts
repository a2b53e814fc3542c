/** What a client asked of a gateway, as the gateway tells it, in the one spelling that nobody reads differently. */
export interface OriginalRequest {
  /** In capitals; methods are case-sensitive (RFC 9110 section 9.1). */
  readonly method: string
  /** Absent where the gateway's dialect does not say. */
  readonly scheme?: 'http' | 'https'
  /** Lower-case, without its port. */
  readonly host: string
  /** The port as it was written; absent where none was. */
  readonly port?: string
  /** Without the query. It has passed `formats/request-path.ts`. */
  readonly path: string
}
