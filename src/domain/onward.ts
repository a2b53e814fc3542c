/** What an issuer lets others issue that rests on its word (SAML core section 2.5.1.6). What is absent is not limited. */
export interface Onward {
  /** For whom alone. */
  readonly audiences?: readonly string[]
  /** How many more may issue something, one on the word of the other. */
  readonly hops?: number
}
