import { writeFileSync } from 'node:fs'
import { trustJsonSchema } from '../src/trust.ts'

/** Writes the JSON Schema of all documents beside this file. Run it after a change to what documents may hold. */
writeFileSync(
  new URL('trust-maps.schema.json', import.meta.url),
  `${JSON.stringify(trustJsonSchema(), undefined, 2)}\n`,
)
