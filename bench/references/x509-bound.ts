import { createPublicKey, verify } from 'node:crypto'
import { parseCertificate } from '../../src/formats/x509/certificate.ts'
import { answerWithChains } from '../harness/chain-work.ts'

/**
 * The least that a chain can cost on this machine: its ECDSA verifications under imported keys, and nothing else. Two
 * for a new chain, one where the intermediate has been seen.
 */

answerWithChains(({ leaf, intermediate, root, seen }) => {
  const [subject, issuer, anchor] = [leaf, intermediate, root].map(parseCertificate)
  if (subject === undefined || issuer === undefined || anchor === undefined) throw new Error('no chain')
  const keyOf = (spki: Uint8Array) => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  const pairs = [
    { ...subject, key: keyOf(issuer.spki) },
    { ...issuer, key: keyOf(anchor.spki) },
  ].slice(0, seen === 'nothing' ? 2 : 1)
  return () => {
    for (const { tbs, key, signature } of pairs)
      if (!verify('sha256', tbs, key, signature)) throw new Error('a signature is wrong')
  }
})
