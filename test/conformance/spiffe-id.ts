import * as z from 'zod'
import { parseSpiffeId } from '../../src/domain/spiffe-id.ts'
import { falseAccept, falseReject, right, type Timed, timed, type Verdict } from './report.ts'

/** dragoman-spiffe-id/1: is a string a SPIFFE ID, and which parts does it have? Cases have no id; their number is it. */

const spiffeIdCase = z.looseObject({
  id: z.string().optional(),
  input: z.string(),
  expected: z.enum(['valid', 'invalid', 'either']),
  trust_domain: z.string().optional(),
  path: z.string().optional(),
})

const spiffeIdFile = z.looseObject({ cases: z.array(spiffeIdCase) })

/** Judges every case of the file `content`. */
export const runSpiffeIds = async (content: unknown): Promise<readonly Timed[]> => {
  const { cases } = spiffeIdFile.parse(content)
  return Promise.all(cases.map((one, n) => timed(undefined, async () => judge(one, one.id ?? `case-${n + 1}`))))
}

const judge = (one: z.output<typeof spiffeIdCase>, id: string): Verdict => {
  const parsed = parseSpiffeId(one.input)
  if (parsed === undefined)
    return one.expected === 'valid' ? falseReject(id, 'is not taken for a SPIFFE ID') : right(id)
  if (one.expected === 'invalid') return falseAccept(id, 'is taken for a SPIFFE ID')
  if (one.trust_domain !== undefined && one.trust_domain !== parsed.trustDomain)
    return falseAccept(id, `has the trust domain ${parsed.trustDomain}`)
  if (one.path !== undefined && one.path !== parsed.path) return falseAccept(id, `has the path ${parsed.path}`)
  return right(id)
}
