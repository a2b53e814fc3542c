import type { Credential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { FormatError } from '../formats/format-error.ts'
import { type Certificate, parseCertificate } from '../formats/x509/certificate.ts'
import { chainOf } from '../formats/x509-chain-text.ts'

/** A chain taken apart: the leaf first, the others in no order that matters. */
export type ParsedChain = readonly [Certificate, ...Certificate[]]

/** Several kinds of credential look at the same chain to see whose it is; it is taken apart once. */
const chains = new WeakMap<Credential, ParsedChain>()

/**
 * The certificates of a credential of the type x509-chain. Nothing in them is believed.
 *
 * @throws Refusal `credential.malformed`
 */
export const presentedChain = (credential: Credential): ParsedChain => {
  const known = chains.get(credential)
  if (known !== undefined) return known
  const chain = takeApart(credential.raw.reveal())
  chains.set(credential, chain)
  return chain
}

const takeApart = (text: string): ParsedChain => {
  try {
    const [leaf, ...others] = chainOf(text)
    return [parseCertificate(leaf), ...others.map(parseCertificate)]
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new Refusal('credential.malformed', cause.message, { cause })
  }
}
