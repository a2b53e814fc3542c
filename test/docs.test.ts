import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { reasonsPage } from '../docs/reasons-page.ts'

it('docs/reasons.md says what the code says; `npm run docs` writes it', () => {
  expect(readFileSync(join(import.meta.dirname, '../docs/reasons.md'), 'utf8')).toBe(reasonsPage())
})
