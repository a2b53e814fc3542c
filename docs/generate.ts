import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gatewayPages } from './gateway-pages.ts'
import { reasonsPage } from './reasons-page.ts'

/** Writes the pages, and parts of pages, that follow from the code: `npm run docs`. A test fails when they are stale. */

const reasons = join(import.meta.dirname, 'reasons.md')
const pages = [
  { path: reasons, current: readFileSync(reasons, 'utf8'), text: reasonsPage() },
  ...(await gatewayPages()),
]
for (const { path, current, text } of pages) {
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (current !== text) process.exitCode = 1
}
