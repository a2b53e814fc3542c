import type { Credential } from '../domain/credential.ts'
import { Refusal } from '../domain/refusal.ts'
import { FormatError } from '../formats/format-error.ts'
import { type ParsedChain, parsedChain } from '../formats/x509/connection-chain.ts'
import { chainOf } from '../formats/x509-chain-text.ts'

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
    return parsedChain(chainOf(text))
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new Refusal('credential.malformed', cause.message, { cause })
  }
}
