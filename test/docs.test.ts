import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { gatewayPages, shownFiles } from '../docs/gateway-pages.ts'
import { reasonsPage } from '../docs/reasons-page.ts'

it('docs/reasons.md says what the code says; `npm run docs` writes it', () => {
  expect(readFileSync(join(import.meta.dirname, '../docs/reasons.md'), 'utf8')).toBe(reasonsPage())
})

it('the pages of the gateways show every file of every snippet as it is; `npm run docs` writes them', async () => {
  const pages = await gatewayPages()
  for (const { current, text } of pages) expect(current).toBe(text)
  const all = pages.map(({ current }) => current).join('\n')
  const missing = shownFiles.filter(({ gateway, file }) => !all.includes(`<!-- snippet ${gateway} ${file} -->`))
  expect(missing).toEqual([])
})
