import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { type Contender, workingContender } from '../harness/contender.ts'
import type { Child } from '../harness/processes.ts'
import { ours } from '../harness/result.ts'
import { signAssertions } from '../harness/saml-assertions.ts'
import type { SamlSetup } from '../harness/saml-work.ts'
import { startReference, type World } from '../harness/world.ts'

/** The contenders of the SAML scenarios: everybody verifies the same assertions of 5,000 octets, signed by RSA-SHA256. */

const verifier = fileURLToPath(new URL('../harness/dragoman-saml.ts', import.meta.url))

/** More than dragoman verifies in a second. A slice ends early when all are spent. */
const assertionsASecond = 12_000

/** How a scenario presents them. */
export interface Presentation {
  /** The first one again and again, in place of each once. */
  readonly repeat: boolean
}

/** The assertions, in a setup that every contender understands. */
export const setupOf = ({ folder, options }: World, { repeat }: Presentation): SamlSetup => ({
  ...signAssertions(folder, repeat ? 1 : Math.ceil(assertionsASecond * options.seconds)),
  folder,
  repeat,
})

/** dragoman, unless it is to be left out, and the references of these names. */
export const assertionContenders = async (
  world: World,
  setup: SamlSetup,
  references: readonly string[],
): Promise<readonly Contender[]> => {
  const contender = async (name: string, child: Child): Promise<Contender> => {
    await child.ask('prepare', setup, z.object({}))
    return workingContender(name, child, world.cores)
  }
  const own = world.options.referencesOnly
    ? []
    : [await contender(ours, world.start({ side: 'server', args: [verifier], answers: true }))]
  return [...own, ...(await Promise.all(references.map((name) => contender(name, startReference(world, name)))))]
}

const counted = z.object({ operations: z.number().positive(), microseconds: z.number() })

/** A program that is no part of npm, in both of its manners; where it is not there, it is left out. */
export const xmlsec1Contenders = async (world: World, { folder, file, certificate }: SamlSetup) => {
  if (spawnSync('xmlsec1', ['--version']).error !== undefined) {
    process.stderr.write('saml: xmlsec1 is not on the path and is left out\n')
    return []
  }
  const [assertion] = readFileSync(file, 'latin1').split('\n')
  const manners = { xmlsec1: true, 'xmlsec1-pinned': false }
  return Promise.all(
    Object.entries(manners).map(async ([name, keyInfo]): Promise<Contender> => {
      const child = startReference(world, 'saml-xmlsec1')
      await child.ask('prepare', { folder, assertion, certificate, keyInfo }, z.object({}))
      return {
        name,
        async slice(seconds) {
          const { operations, microseconds } = await child.ask('work', { seconds }, counted)
          return { figure: microseconds / operations, operations, foreignShare: undefined }
        },
      }
    }),
  )
}
