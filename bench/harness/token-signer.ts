import { createPrivateKey } from 'node:crypto'
import * as z from 'zod'
import { answerer, answerQuestions } from './answer-questions.ts'
import { foreignKeyId, subjectClaims } from './foreign-issuer.ts'
import { signJwt } from './jwt.ts'

/** A process that signs subject tokens: there is one a core. */

const task = z.object({ jwk: z.record(z.string(), z.unknown()), issuedAt: z.number(), count: z.number() })

const tokensFor = ({ jwk, issuedAt, count }: z.infer<typeof task>) => {
  const signing = { alg: 'RS256', kid: foreignKeyId, key: createPrivateKey({ key: jwk, format: 'jwk' }) } as const
  return { tokens: Array.from({ length: count }, () => signJwt(signing, subjectClaims(issuedAt))) }
}

answerQuestions({ sign: answerer(task, tokensFor) })
