import process from 'node:process'
import * as z from 'zod'

/** The programs that `npm run test:interop` has installed for this suite. */

const path = z.string().min(1)
const programs = z.object({ vault: path, versitygw: path, python: path, moto: path })

const found = process.env['DRAGOMAN_TEST_PARTNERS']
if (found === undefined) throw new Error('these tests need Vault and others: npm run test:interop installs them')

export const { vault, versitygw, python, moto } = programs.parse(JSON.parse(found))
