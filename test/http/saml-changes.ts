import type { SigningOptions } from '../world/saml-signature.ts'
import { changed } from '../world/saml-text.ts'
import type { SamlWorld } from './saml-world.ts'

/** Good assertions, and the ways in which tests spoil them. */

export const good = (w: SamlWorld): string => w.idp.signedAssertion()

/** An assertion changed after it was signed. */
export const after = (from: string | RegExp, to: string) => (w: SamlWorld) => changed(good(w), from, to)

/** An assertion that the issuer itself has signed in this way. */
export const signedBy = (signing: SigningOptions) => (w: SamlWorld) => w.idp.signedAssertion({}, signing)

/** SignedInfo changed before the issuer signed it. */
export const info = (from: string | RegExp, to: string) => signedBy({ info: (text) => changed(text, from, to) })

/** Signature changed, but not what it signs. */
export const around = (from: string | RegExp, to: string) => signedBy({ signature: (text) => changed(text, from, to) })

/** The first element of this name in a signature. */
export const part = (name: string): RegExp => new RegExp(`<ds:${name}[ >][\\s\\S]*?</ds:${name}>`)
