import * as jose from 'jose'
import type { Claims } from '../../src/domain/claims.ts'
import type { Keyring } from '../../src/mint/keyring.ts'
import { importKeyring } from '../../src/mint/keyring.ts'
import { createNodeSignatures } from '../../src/runtimes/node/signatures.ts'

/** A key that a run makes for itself. */
export interface TestKey {
  readonly publicJwk: Claims
  sign(claims: Claims, header?: Claims): Promise<string>
}

/** A new ES256 key with the id `kid`. */
export const testKey = async (kid: string): Promise<TestKey> => {
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
  return {
    publicJwk: { ...((await jose.exportJWK(publicKey)) as Claims), kid, alg: 'ES256', use: 'sig' },
    sign: (claims, header = {}) =>
      new jose.SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(privateKey),
  }
}

/** Keys belong to the implementation that imported them, so a run has one. */
export const testSignatures = createNodeSignatures()

/** A keyring with one active key. */
export const testKeyring = async (): Promise<Keyring> => {
  const privateKey = await testSignatures.generate('ES256')
  return importKeyring([{ kid: 'test', alg: 'ES256', createdAt: 0, activeFrom: 0, privateKey }], testSignatures)
}
