import * as z from 'zod'
import { type Contender, servingContender, type TokenUse, workingContender } from '../harness/contender.ts'
import { startDragoman } from '../harness/dragoman.ts'
import type { ExchangeTarget } from '../harness/exchange-request.ts'
import { listening } from '../harness/exchange-setup.ts'
import { ours } from '../harness/result.ts'
import { tokensIn } from '../harness/subject-tokens.ts'
import { witness } from '../harness/witness.ts'
import {
  asSecretClient,
  type ExchangeServer,
  startExchangeReference,
  startReference,
  type World,
} from '../harness/world.ts'

/** The contenders that the exchange scenarios are put together from. */

/** Every subject token once. */
export const unique = ({ options }: World): TokenUse => ({
  perSlice: Math.floor(options.tokens / (options.rounds + options.warmUpRounds)),
  repeat: false,
})

/** The same thousand subject tokens again and again. */
export const repeated: TokenUse = { perSlice: 1000, repeat: true }

/** How a client proves itself at a server. */
export type As = (world: World, server: ExchangeServer) => ExchangeTarget

/** An exchanging contender and, for the floors, the body of one of its answers. */
export interface Exchanging {
  readonly contender: Contender
  readonly answer: string
}

/** dragoman, unless it is to be left out. */
export const dragoman = async (world: World, as: As, use: TokenUse): Promise<readonly Exchanging[]> =>
  world.options.referencesOnly ? [] : [await exchanging(world, ours, await startDragoman(world), as, use)]

/** One of the references that exchange tokens, by the name of its file. */
export const exchangeReference = async (world: World, name: string, as: As, use: TokenUse): Promise<Exchanging> =>
  exchanging(world, name, await startExchangeReference(world, name), as, use)

const exchanging = async (
  world: World,
  name: string,
  server: ExchangeServer,
  as: As,
  use: TokenUse,
): Promise<Exchanging> => {
  const target = as(world, server)
  const answer = await witness(world, server, target)
  const load = { generator: world.generator, target, use }
  return { contender: servingContender(name, server.child, world.cores, load), answer }
}

/** A server that reads such requests, whichever, and always gives `answer`, by the name of its file. */
export const floor = async (world: World, name: string, answer: string): Promise<Contender> => {
  const child = startReference(world, name)
  const { port } = await child.ask('listen', { body: answer }, listening)
  const target = asSecretClient(world, { port })
  return servingContender(name, child, world.cores, {
    generator: world.generator,
    target,
    use: repeated,
  })
}

/** The signatures of an exchange and nothing else. */
export const cryptoBound = async (world: World, options: { readonly clientAssertion: boolean }): Promise<Contender> => {
  const child = startReference(world, 'crypto-bound')
  const subjectToken = tokensIn(world.pool.file)[0]
  await child.ask('prepare', { jwk: world.pool.jwk, subjectToken, ...options }, z.object({}))
  return workingContender('crypto-bound', child, world.cores)
}
