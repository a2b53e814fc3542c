import type fc from 'fast-check'
import { Refusal } from '../../src/domain/refusal.ts'
import { FormatError } from '../../src/formats/format-error.ts'
import { JwtSvidError } from '../../src/formats/jwt-svid.ts'
import { PathError } from '../../src/formats/x509/path.ts'
import { X509SvidError } from '../../src/formats/x509-svid.ts'

/** Something that reads hostile input. */
export interface Target<Input> {
  readonly name: string
  /** How many of a hundred or so cases are its. */
  readonly share: number
  readonly inputs: fc.Arbitrary<Input>
  /** Good inputs, which must not be refused: else whatever is made from them would be refused for the wrong reason. */
  readonly good: readonly Input[]
  /** Reads it. Throws a refusal, or whatever when something is wrong. */
  judge(input: Input): unknown
}

/** A target, where it does not matter of what. */
export type AnyTarget = Target<unknown>

/**
 * A case must not take longer, by the clock and by the CPU time of this thread: others share the machine. Garbage is
 * collected and code compiled now and then, so a slow case has two more tries.
 */
export const limitMs = 50
const tries = 3

/** Is `thrown` what a reader says to bad input? Each stage turns the first four into a Refusal. */
export const isRefusal = (thrown: unknown): boolean =>
  [FormatError, PathError, X509SvidError, JwtSvidError, Refusal].some((kind) => thrown instanceof kind)

/** Judges one case. @throws Error when it ends in neither a value nor a refusal, or takes too long every time. */
export const judgeCase = async (target: AnyTarget, input: unknown): Promise<void> => {
  let fastest = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const [startedAt, cpuBefore] = [performance.now(), cpuMs()]
    await ended(target, input)
    fastest = Math.min(fastest, performance.now() - startedAt, cpuMs() - cpuBefore)
    if (fastest <= limitMs) return
  }
  throw new Error(`took ${fastest.toFixed(0)} ms at the least`)
}

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const ended = async (target: AnyTarget, input: unknown): Promise<void> => {
  try {
    await target.judge(input)
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown
  }
}

/** An input as JSON; bytes are written in hexadecimal. */
export const textOfInput = (input: unknown): string =>
  JSON.stringify(input, (_, value: unknown) =>
    value instanceof Uint8Array ? `hex:${Buffer.from(value).toString('hex')}` : value,
  )

/** The input that `textOfInput` wrote. A Buffer has said itself what it is before anybody is asked, so there are none. */
export const inputOfText = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith('hex:') ? Uint8Array.from(Buffer.from(value.slice(4), 'hex')) : value,
  )
