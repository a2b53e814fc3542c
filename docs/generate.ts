import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonsPage } from './reasons-page.ts'

/** Writes the pages that follow from the code: `npm run docs`. A test fails when they are stale. */

const page = join(import.meta.dirname, 'reasons.md')
const text = reasonsPage()
if (!process.argv.includes('--check')) writeFileSync(page, text)
else if (readFileSync(page, 'utf8') !== text) process.exitCode = 1
