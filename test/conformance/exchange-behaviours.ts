import * as jose from 'jose'
import * as z from 'zod'
import { createApp } from '../../src/http/app.ts'
import { type BehaviourWorld, openBehaviourWorld } from './behaviour-world.ts'
import { falseAccept, falseReject, right, skipped, type Timed, timed, type Verdict } from './report.ts'

/** dragoman-exchange-behaviours/1: one request to /token and the answer that it must get. */

const oneOrMore = <T extends z.ZodType>(what: T) =>
  z.union([what, z.array(what)]).transform((value): readonly z.output<T>[] => [value].flat() as z.output<T>[])

const behaviour = z.looseObject({
  id: z.string(),
  params: z.array(z.tuple([z.string(), z.string()])).optional(),
  auth: z.unknown().optional(),
  method: z.string().default('POST'),
  content_type: z.string().default('application/x-www-form-urlencoded'),
  body: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  check: z.string().optional(),
  requires: z.unknown().optional(),
  expect_status: z.number().optional(),
  expect_error: oneOrMore(z.string()).optional(),
  expect_body: z.record(z.string(), z.unknown()).optional(),
  expect_headers: z.record(z.string(), z.string()).optional(),
  or_status: oneOrMore(z.number()).optional(),
  or_error: oneOrMore(z.string()).optional(),
  time_limit_ms: z.number().optional(),
})

type Behaviour = z.output<typeof behaviour>

const behaviourFile = z.looseObject({ cases: z.array(behaviour) })

/** Judges every case of the file `content`, each in a world of its own so that none can disturb the next. */
export const runExchangeBehaviours = async (content: unknown): Promise<readonly Timed[]> => {
  const verdicts: Timed[] = []
  for (const one of behaviourFile.parse(content).cases) {
    const world = await openBehaviourWorld()
    verdicts.push(await timed(one.time_limit_ms, () => judge(one, world)))
  }
  return verdicts
}

const judge = async (one: Behaviour, world: BehaviourWorld): Promise<Verdict> => {
  if (one.check === 'scripted') return skipped(one.id, 'scripted: not a single request')
  if (one.requires !== undefined) return skipped(one.id, `requires ${JSON.stringify(one.requires)}`)
  const built = await requestOf(one, world)
  if (typeof built === 'string') return skipped(one.id, built)
  const response = await createApp(() => world.place.desk).fetch(built)
  const text = await response.text()
  if (world.place.outboundAttempts() > 0) return falseAccept(one.id, 'an outbound request was attempted')
  return compare(one, response, text)
}

const requestOf = async (one: Behaviour, world: BehaviourWorld): Promise<Request | string> => {
  const params: [string, string][] = []
  for (const [name, template] of one.params ?? []) {
    const value = await world.fill(template)
    if (value === undefined) return `no token for ${template}`
    params.push([name, value])
  }
  const auth = await world.authenticate(one.auth)
  if (auth === undefined) return `no way to authenticate as ${JSON.stringify(one.auth)}`
  const body =
    one.body ??
    new URLSearchParams([...params, ...auth.params.map(([name, value]): [string, string] => [name, value])]).toString()
  return new Request('https://dragoman.example.com/token', {
    method: one.method,
    headers: { 'content-type': one.content_type, ...auth.headers, ...one.headers },
    ...(one.method === 'GET' || one.method === 'HEAD' ? {} : { body }),
  })
}

const compare = (one: Behaviour, response: Response, text: string): Verdict => {
  const body = parse(text)
  const found = `${response.status} ${JSON.stringify(body['error'] ?? '')}`
  if (isExpected(one, response.status, body)) {
    const complaint = response.status === 200 || one.or_error === undefined ? differs(one, response, body) : undefined
    return complaint === undefined ? right(one.id) : falseReject(one.id, complaint)
  }
  const wanted = `${one.expect_status ?? ''} ${(one.expect_error ?? []).join('|')}`
  return response.status === 200
    ? falseAccept(one.id, `answered 200, wanted ${wanted}`)
    : falseReject(one.id, `answered ${found}, wanted ${wanted}`)
}

const isExpected = (one: Behaviour, status: number, body: Record<string, unknown>): boolean => {
  const error = typeof body['error'] === 'string' ? body['error'] : undefined
  const statuses = [...(one.expect_status === undefined ? [] : [one.expect_status]), ...(one.or_status ?? [])]
  const errors = [...(one.expect_error ?? []), ...(one.or_error ?? [])]
  if (error !== undefined && one.or_error?.includes(error)) return true
  if (statuses.length > 0 && !statuses.includes(status)) return false
  return error === undefined
    ? one.expect_error === undefined || status < 400
    : errors.length === 0 || errors.includes(error)
}

const differs = (one: Behaviour, response: Response, body: Record<string, unknown>): string | undefined => {
  for (const [name, wanted] of Object.entries(one.expect_headers ?? {})) {
    const found = response.headers.get(name)?.toLowerCase() ?? ''
    if (!found.includes(wanted.toLowerCase())) return `header ${name} is ${JSON.stringify(found)}, wanted ${wanted}`
  }
  if (response.status !== one.expect_status) return undefined
  for (const [name, wanted] of Object.entries(one.expect_body ?? {})) {
    const complaint = differsIn(name, wanted, body)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

const differsIn = (name: string, wanted: unknown, body: Record<string, unknown>): string | undefined => {
  if (name === 'required') {
    const missing = [wanted].flat().filter((member) => body[String(member)] === undefined)
    return missing.length === 0 ? undefined : `${missing.join(', ')} missing`
  }
  if (name === 'absent' || name === 'forbidden') {
    const there = [wanted].flat().filter((member) => body[String(member)] !== undefined)
    return there.length === 0 ? undefined : `${there.join(', ')} present`
  }
  const found = name === 'claims' ? claimsOf(body['access_token']) : body[name]
  if (name === 'claims' && typeof wanted === 'object' && wanted !== null) {
    const wrong = Object.entries(wanted).find(([claim, value]) => !isOneOf(value, (found as object)[claim as never]))
    return wrong === undefined ? undefined : `claim ${wrong[0]} differs`
  }
  return isOneOf(wanted, found) ? undefined : `${name} is ${JSON.stringify(found)}`
}

const isOneOf = (wanted: unknown, found: unknown): boolean =>
  JSON.stringify(wanted) === JSON.stringify(found) || (Array.isArray(wanted) && wanted.some((one) => one === found))

const claimsOf = (token: unknown): object => (typeof token === 'string' ? jose.decodeJwt(token) : {})

const parse = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
