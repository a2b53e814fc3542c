import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { answerer, answerQuestions } from '../harness/answer-questions.ts'

/**
 * The XML Security Library's own program: it parses one assertion and verifies its signature, again and again, and says
 * how much CPU time that took. It is given the certificate, either to trust the one in KeyInfo by it, or to take its key
 * and not look at KeyInfo. Nothing is made of what was signed.
 */

const setup = z.object({ folder: z.string(), assertion: z.string(), certificate: z.string(), keyInfo: z.boolean() })
const work = z.object({ seconds: z.number() })

let verifyTimes = (_times: number): number => {
  throw new Error('there is no assertion yet')
}
/** Milliseconds that one took the last time. */
let usual = 1

const prepare = ({ folder, assertion, certificate, keyInfo }: z.infer<typeof setup>): void => {
  const [document, key] = [join(folder, 'xmlsec1.xml'), join(folder, 'xmlsec1.pem')]
  writeFileSync(document, assertion)
  writeFileSync(key, certificate)
  const id = ['--id-attr:ID', 'urn:oasis:names:tc:SAML:2.0:assertion:Assertion']
  const trust = keyInfo ? ['--trusted-pem', key] : ['--enabled-key-data', 'key-name', '--pubkey-cert-pem', key]
  verifyTimes = (times) => {
    const words = ['--verify', '--repeat', String(times), ...trust, ...id, document]
    const { status, stdout, stderr } = spawnSync('xmlsec1', words, { encoding: 'utf8' })
    const spent = /Executed \d+ tests in ([\d.]+) msec/.exec(stdout + stderr)?.[1]
    if (status !== 0 || spent === undefined) throw new Error(`xmlsec1: ${(stdout + stderr).slice(-1000)}`)
    return Number(spent)
  }
}

const workFor = ({ seconds }: z.infer<typeof work>): { operations: number; microseconds: number } => {
  const operations = Math.max(100, Math.round((seconds * 1000) / usual))
  const spent = verifyTimes(operations)
  usual = spent / operations
  return { operations, microseconds: spent * 1000 }
}

answerQuestions({ prepare: answerer(setup, prepare), work: answerer(work, workFor) })
