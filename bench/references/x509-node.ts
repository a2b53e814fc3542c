import { X509Certificate } from 'node:crypto'
import { answerWithChains } from '../harness/chain-work.ts'

/** What node:crypto can do by itself: parse, compare names and key identifiers, verify signatures. No path validation. */

answerWithChains(({ leaf, intermediate, root, seen }) => {
  const anchor = new X509Certificate(root)
  const anchorKey = anchor.publicKey
  const known = new X509Certificate(intermediate)
  const knownKey = known.publicKey
  return () => {
    const subject = new X509Certificate(leaf)
    if (seen === 'nothing') {
      const issuer = new X509Certificate(intermediate)
      assert(subject.checkIssued(issuer) && subject.verify(issuer.publicKey))
      assert(issuer.checkIssued(anchor) && issuer.verify(anchorKey))
    } else {
      assert(subject.checkIssued(known) && subject.verify(knownKey))
    }
  }
})

const assert = (holds: boolean): void => {
  if (!holds) throw new Error('the chain does not hold')
}
