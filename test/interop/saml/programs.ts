import process from 'node:process'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { outputOf } from '../command.ts'
import type { Programs } from './installation.ts'

/** What `npm run test:interop` has installed for the suite. */

const shape = z.object({ python: z.string(), wheels: z.string(), simplesamlphp: z.string() })

const text = process.env['DRAGOMAN_TEST_SAML']
if (text === undefined) throw new Error('these tests need programs: npm run test:interop installs them')

export const programs: Programs = shape.parse(JSON.parse(text))

/** What a script of this folder prints, in the shape that its JSON must have. `environment` is added to ours. */
export const scripted = async <T>(
  script: string,
  words: readonly string[],
  result: z.ZodType<T>,
  environment: Readonly<Record<string, string>> = {},
): Promise<T> => {
  const file = fileURLToPath(new URL(script, import.meta.url))
  return result.parse(JSON.parse(await outputOf(programs.python, [file, ...words], { environment })))
}
