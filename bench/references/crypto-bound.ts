import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'

/**
 * The least that an exchange can cost on this machine: its signatures and nothing else. One RS256 verification of a
 * subject token, one ES256 signature, and one ES256 verification more where the client proves itself with a key. All
 * synchronous, in DER, under imported keys: the cheapest form that the platform has.
 */

const setup = z.object({
  jwk: z.record(z.string(), z.unknown()),
  subjectToken: z.string(),
  clientAssertion: z.boolean(),
})
const work = z.object({ seconds: z.number() })
const operationsBetweenLooks = 32
const mintedBytes = 500

let exchangeOnce = (): boolean => false

const prepare = ({ jwk, subjectToken, clientAssertion }: z.infer<typeof setup>): void => {
  const issuerKey = createPublicKey({ key: jwk, format: 'jwk' })
  const dot = subjectToken.lastIndexOf('.')
  const input = Buffer.from(subjectToken.slice(0, dot))
  const signature = Buffer.from(subjectToken.slice(dot + 1), 'base64url')
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const minted = Buffer.alloc(mintedBytes, 'm')
  const assertion = sign('sha256', minted, own.privateKey)
  exchangeOnce = () =>
    (!clientAssertion || verify('sha256', minted, own.publicKey, assertion)) &&
    verify('sha256', input, issuerKey, signature) &&
    sign('sha256', minted, own.privateKey).length > 0
}

const workFor = ({ seconds }: z.infer<typeof work>): { operations: number } => {
  const until = performance.now() + seconds * 1000
  let operations = 0
  while (performance.now() < until) {
    for (let i = 0; i < operationsBetweenLooks; i += 1) if (!exchangeOnce()) throw new Error('a signature was wrong')
    operations += operationsBetweenLooks
  }
  return { operations }
}

answerQuestions({ prepare: answerer(setup, prepare), work: answerer(work, workFor) })
