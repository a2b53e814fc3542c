declare const held: unique symbol

/**
 * A client certificate whose holder has proven possession of its key: to us, over the TLS connection, or to a gateway
 * that has itself proven who it is. Nothing else about it is believed yet: no path has been validated.
 */
export interface PresentedCertificate {
  readonly [held]: true
  /** DER, the leaf first, the others in no order that matters. Never empty. */
  readonly chain: readonly [Uint8Array, ...Uint8Array[]]
  /** The `x5t#S256` of the leaf: base64url SHA-256 of its DER (RFC 8705 section 3.1). */
  readonly thumbprint: string
  /** Who saw the proof: we ourselves, or the Gateway of this name. */
  readonly via: 'tls' | { readonly gateway: string }
}

/** States that possession was proven. Called by `gateways/client-certificate.ts` and by rehearsals, nowhere else. */
export const heldBy = (fields: Omit<PresentedCertificate, typeof held>): PresentedCertificate =>
  fields as PresentedCertificate
