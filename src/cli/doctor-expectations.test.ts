import { describe, expect, it } from 'vitest'
import type { Header } from './doctor-call.ts'
import {
  identified,
  keptFromTheClient,
  keptOut,
  pathPlain,
  type Scene,
  type Shot,
  turnedAway,
  type Verdict,
  worstOf,
} from './doctor-expectations.ts'

const ours: readonly Header[] = [
  ['authorization', 'Bearer the-token-of-dragoman'],
  ['x-dragoman-subject', 'user:alice'],
  ['x-dragoman-client', 'edge'],
  ['x-dragoman-rule', 'staff'],
  ['x-dragoman-tenant', '-'],
  ['x-dragoman-txn', '3f1c'],
]

const arrivalOf = (headers: readonly Header[], target = '/orders/1') => ({ method: 'GET', target, headers })

const scene: Scene = {
  good: arrivalOf(ours),
  token: 'the-token-of-the-client',
  tokenHeaders: ['authorization'],
  believed: new Set(['authorization', 'x-dragoman-subject', 'client-cert']),
}

const shot: Shot = { what: 'it', by: 'client', method: 'GET', tail: '', lines: [], marks: ['mark'] }

const arrived = (headers: readonly Header[], target?: string) =>
  ({ kind: 'arrived', arrivals: [arrivalOf(headers, target)] }) as const

describe('what is made up', () => {
  it.each<readonly [string, readonly Header[], readonly string[]]>([
    ['beside the real one', [...ours, ['X-Dragoman-Subject', 'mark']], ['X-Dragoman-Subject']],
    ['joined to it', [['x-dragoman-subject', 'user:alice, mark']], ['x-dragoman-subject']],
    ['under a name that CGI takes for it', [['X_DRAGOMAN.SUBJECT', 'mark']], ['X_DRAGOMAN.SUBJECT']],
    ['before a space', [['X-Dragoman-Subject ', 'mark']], ['X-Dragoman-Subject ']],
  ])('is found %s', (_, headers, items) => {
    expect(keptOut(shot, arrived(headers), scene)).toEqual({ result: 'leaked', phrase: 'reached the service', items })
  })

  it('does no harm under a name that nobody believes', () => {
    const folded: readonly Header[] = [['X-Doctor', 'a X-Dragoman-Subject: mark']]
    expect(keptOut(shot, arrived(folded), scene).result).toBe('ok')
  })
})

describe('whoever comes in without a credential', () => {
  const nobody: readonly Header[] = ours.map(([name]) => [name, name === 'x-dragoman-subject' ? 'anonymous' : '-'])
  it.each<readonly [string, readonly Header[], 'ok' | 'leaked']>([
    ['as anonymous', [...nobody.slice(1), ['Authorization', 'Anonymous']], 'ok'],
    [
      'as anonymous twice',
      [...nobody.slice(1), ['Authorization', 'Anonymous'], ['authorization', 'Basic eA==']],
      'leaked',
    ],
    ['as somebody', ours, 'leaked'],
    ['as nothing at all', [], 'leaked'],
    [
      'with half of it',
      [
        ['authorization', 'Anonymous'],
        ['x-dragoman-subject', 'user:alice'],
      ],
      'leaked',
    ],
  ])('comes in %s: %s', (_, headers, result) => {
    expect(turnedAway(shot, arrived(headers), scene).result).toBe(result)
  })
})

describe('the identity', () => {
  const without = (name: string) => ours.filter(([candidate]) => candidate !== name)
  it.each<readonly [string, readonly Header[], Verdict]>([
    [
      'is not there',
      [['authorization', 'Bearer the-token-of-the-client']],
      { result: 'wrong', phrase: 'nothing of dragoman reached the service', items: [] },
    ],
    [
      'is a placeholder',
      [...without('x-dragoman-rule'), ['X-Dragoman-Rule', '{http.reverse_proxy.header.X-Dragoman-Rule}']],
      { result: 'wrong', phrase: 'empty, repeated or a placeholder at the service', items: ['x-dragoman-rule'] },
    ],
    [
      'is there twice',
      [...ours, ['X-Dragoman-Client', 'edge']],
      { result: 'wrong', phrase: 'empty, repeated or a placeholder at the service', items: ['x-dragoman-client'] },
    ],
    [
      'is not that of the token',
      [
        ['authorization', 'Anonymous'],
        ['x-dragoman-subject', 'anonymous'],
      ],
      { result: 'wrong', phrase: 'came through as anonymous, though it had a token', items: [] },
    ],
    [
      'is in the token alone',
      [['Authorization', 'Bearer the-token-of-dragoman']],
      { result: 'ok', phrase: 'reached the service', items: ['Authorization'] },
    ],
  ])('%s', (_, headers, verdict) => {
    expect(identified(shot, arrived(headers), scene)).toEqual(verdict)
  })

  it('is found in the answer to the client', () => {
    const headers: readonly Header[] = [
      ['Set-Cookie', 't=the-token-of-dragoman'],
      ['X-Dragoman-Txn', '3f1c'],
      ['Content-Type', 'text/plain'],
    ]
    const outcome = { ...arrived(ours), answer: { status: 200, headers } }
    expect(keptFromTheClient(shot, outcome, scene)).toEqual({
      result: 'leaked',
      phrase: 'in the answer to the client',
      items: ['Set-Cookie', 'X-Dragoman-Txn'],
    })
    expect(keptFromTheClient(shot, arrived(ours), scene).result).toBe('inconclusive')
  })
})

it.each([
  ['/orders/1/a/b?x=/../', 'ok'],
  ['/orders/1/a%2fb', 'leaked'],
  ['/orders/1/a//b', 'leaked'],
  ['/orders/1/..', 'leaked'],
  ['/orders/1/..;/b', 'leaked'],
] as const)('knows a path that has two readings: %s', (target, result) => {
  expect(pathPlain(shot, arrived([], target), scene).result).toBe(result)
})

it('takes the worst of many verdicts, and says the same thing once', () => {
  const leaked = (phrase: string, ...items: readonly string[]): Verdict => ({ result: 'leaked', phrase, items })
  const ok: Verdict = { result: 'ok', phrase: 'fine', items: [] }
  const refused: Verdict = { result: 'refused', phrase: 'turned away with', items: ['401'] }
  expect(worstOf([refused, ok, refused]).result).toBe('ok')
  expect(worstOf([ok, leaked('a', 'X'), leaked('b'), leaked('a', 'X', 'Y')])).toEqual({
    result: 'leaked',
    told: [leaked('a', 'X', 'Y'), leaked('b')],
  })
})
