import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { Cores } from './cores.ts'
import { foreignKeyId, validSeconds } from './foreign-issuer.ts'
import { withProcesses } from './processes.ts'

/** Many different RS256 tokens, signed before anything is measured: one costs ten times as much to sign as to verify. */
export interface TokenPool {
  /** The issuer's public key as a JWK. */
  readonly jwk: Readonly<Record<string, unknown>>
  /** The first line says what is in it, as JSON. Then one token a line. */
  readonly file: string
}

const file = fileURLToPath(new URL('../.cache/subject-tokens.txt', import.meta.url))
const spareSeconds = 3600
const batch = 1000
const signer = {
  side: 'both',
  args: [fileURLToPath(new URL('./token-signer.ts', import.meta.url))],
  answers: true,
} as const
const signed = z.object({ tokens: z.array(z.string()) })
const heading = z.object({ jwk: z.record(z.string(), z.unknown()), expiresAt: z.number(), count: z.number() })
type Heading = z.infer<typeof heading>

/** A pool of at least `count` tokens: the cached one while its tokens live, else a new one under a new key. */
export const subjectTokens = async (count: number, cores: Cores | undefined): Promise<TokenPool> => {
  const cached = existsSync(file) ? readHeading() : undefined
  const lasts = cached !== undefined && cached.expiresAt > Date.now() / 1000 + spareSeconds && cached.count >= count
  return { jwk: (lasts ? cached : await signPool(count, cores)).jwk, file }
}

/** The tokens in a pool's file. */
export const tokensIn = (poolFile: string): readonly string[] => readFileSync(poolFile, 'latin1').split('\n').slice(1)

const readHeading = (): Heading => {
  const descriptor = openSync(file, 'r')
  try {
    const start = Buffer.alloc(4096)
    const text = start.toString('latin1', 0, readSync(descriptor, start))
    return heading.parse(JSON.parse(text.slice(0, text.indexOf('\n'))))
  } finally {
    closeSync(descriptor)
  }
}

/** The private key is forgotten once the tokens are signed. */
const signPool = async (count: number, cores: Cores | undefined): Promise<Heading> => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const issuedAt = Math.floor(Date.now() / 1000)
  const tokens = await signOnAllCores(privateKey.export({ format: 'jwk' }), issuedAt, count, cores)
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: foreignKeyId, alg: 'RS256', use: 'sig' }
  const head = { jwk, expiresAt: issuedAt + validSeconds, count }
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, [JSON.stringify(head), ...tokens].join('\n'), { encoding: 'latin1', mode: 0o600 })
  renameSync(draft, file)
  return head
}

const signOnAllCores = (jwk: JsonWebKey, issuedAt: number, count: number, cores: Cores | undefined) =>
  withProcesses(cores, async (start) => {
    const signers = Array.from({ length: cores === undefined ? 1 : 2 }, () => start(signer))
    const tokens: string[] = []
    while (tokens.length < count) {
      const task = { jwk, issuedAt, count: Math.min(batch, count - tokens.length) }
      const parts = await Promise.all(signers.map((each) => each.ask('sign', task, signed)))
      tokens.push(...parts.flatMap((part) => part.tokens))
    }
    return tokens.slice(0, count)
  })
