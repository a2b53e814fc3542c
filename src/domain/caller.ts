/** What the connection itself says about who is at its other end. No header has a part in it. */
export interface Caller {
  /** The address of the other end of the socket, as the platform writes it. Absent where there is no socket to ask. */
  readonly address?: string
  /**
   * The certificates that the other end presented over TLS, DER, the leaf first; it has proven to hold the leaf's key,
   * and nothing else. One connection keeps one such list: what was found out about it is remembered with it.
   */
  readonly chain?: readonly [Uint8Array, ...Uint8Array[]]
}
