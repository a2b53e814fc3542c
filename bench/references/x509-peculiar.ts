import { answerWithChains } from '../harness/chain-work.ts'

/** The best-known library for every runtime: @peculiar/x509's chain builder, which checks names, identifiers and signatures. */

// The library cannot be loaded before the other is.
await import('reflect-metadata')
const { cryptoProvider, X509Certificate, X509ChainBuilder } = await import('@peculiar/x509')

cryptoProvider.set(crypto)

answerWithChains(({ leaf, intermediate, root, seen }) => {
  const anchor = new X509Certificate(root)
  const known = new X509Certificate(intermediate)
  return async () => {
    const issuer = seen === 'nothing' ? new X509Certificate(intermediate) : known
    const builder = new X509ChainBuilder({ certificates: [issuer, anchor] })
    const chain = await builder.build(new X509Certificate(leaf))
    if (chain.length !== 3) throw new Error('the chain is another one')
  }
})
