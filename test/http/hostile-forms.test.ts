import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Reason } from '../../src/domain/refusal.ts'
import {
  answerOf,
  basic,
  billing,
  gatewayAuth,
  gatewaySecret,
  goodForm,
  narrowAuth,
  openTokenWorld,
  orders,
  powerlessAuth,
  type TokenWorld,
  tokenType,
  us,
} from './token-world.ts'

/** Requests to the token endpoint that must be refused (RFC 8693 2.1 and 2.2.2, RFC 6749 3.2 and 5.2), each exactly. */

let world: TokenWorld
beforeAll(async () => {
  world = await openTokenWorld()
})
afterAll(() => world.stop())

type Pairs = readonly (readonly [string, string])[]
type Edit = (form: Pairs) => Pairs

const set =
  (name: string, value: string): Edit =>
  (form) => [...form.filter(([other]) => other !== name), [name, value]]
const add =
  (name: string, value: string): Edit =>
  (form) => [...form, [name, value]]
const drop =
  (name: string): Edit =>
  (form) =>
    form.filter(([other]) => other !== name)
const repeat =
  (name: string): Edit =>
  (form) => [...form, ...form.filter(([other]) => other === name)]

type Row = readonly [
  what: string,
  status: number,
  error: string,
  reason: Reason,
  edit: Edit,
  headers?: Record<string, string>,
]

const bad = (what: string, reason: Reason, edit: Edit): Row => [what, 400, 'invalid_request', reason, edit]
const target = (what: string, reason: Reason, edit: Edit): Row => [what, 400, 'invalid_target', reason, edit]
const scope = (what: string, reason: Reason, value: string): Row => [
  what,
  400,
  'invalid_scope',
  reason,
  set('scope', value),
]

const parameters: readonly Row[] = [
  bad('no grant_type', 'request.parameter_missing', drop('grant_type')),
  ['an unknown grant_type', 400, 'unsupported_grant_type', 'grant_type.unsupported', set('grant_type', 'password')],
  [
    'a grant_type in another case',
    400,
    'unsupported_grant_type',
    'grant_type.unsupported',
    set('grant_type', 'URN:IETF:PARAMS:OAUTH:GRANT-TYPE:TOKEN-EXCHANGE'),
  ],
  bad('no subject_token', 'request.parameter_missing', drop('subject_token')),
  bad('an empty subject_token', 'request.parameter_missing', set('subject_token', '')),
  bad('no subject_token_type', 'request.parameter_missing', drop('subject_token_type')),
  bad('an unknown subject_token_type', 'credential.type_unsupported', set('subject_token_type', 'id_token')),
  bad('a refresh token', 'credential.type_unsupported', set('subject_token_type', tokenType('refresh_token'))),
  ...['grant_type', 'subject_token', 'subject_token_type'].map((name) =>
    bad(`${name} twice`, 'request.parameter_repeated', repeat(name)),
  ),
  bad('scope twice', 'request.parameter_repeated', (form) => add('scope', 'a')(add('scope', 'b')(form))),
  bad('requested_token_type twice', 'request.parameter_repeated', (form) =>
    add('requested_token_type', tokenType('jwt'))(add('requested_token_type', tokenType('jwt'))(form)),
  ),
  bad('an unknown parameter twice', 'request.parameter_repeated', (form) => add('x', '1')(add('x', '2')(form))),
  bad('65 parameters', 'request.malformed', (form) => [
    ...form,
    ...Array.from({ length: 62 }, (_, n) => [`x${n}`, '1'] as const),
  ]),
  bad('an assertion beside the subject_token', 'request.parameter_not_of_grant', add('assertion', 'PHNhbWw')),
  bad('actor_token without its type', 'request.parameter_missing', add('actor_token', 'e30.e30.AAAA')),
  bad('actor_token_type without a token', 'request.parameter_missing', add('actor_token_type', tokenType('jwt'))),
  bad('an actor_token that proves nothing', 'actor.invalid', (form) =>
    add('actor_token', 'e30.e30.AAAA')(add('actor_token_type', tokenType('jwt'))(form)),
  ),
  [
    'authorization_details',
    400,
    'invalid_authorization_details',
    'request.authorization_details_unsupported',
    add('authorization_details', '[{"type":"x"}]'),
  ],
  ...['refresh_token', 'id_token', 'saml2'].map((type) =>
    bad(`requested_token_type ${type}`, 'request.token_type_unsupported', set('requested_token_type', tokenType(type))),
  ),
  ...['0', '-1', '1.5', 'soon', '1e3', '99999999'].map((value) =>
    bad(`requested_lifetime ${value}`, 'request.parameter_invalid', set('requested_lifetime', value)),
  ),
]

const targets: readonly Row[] = [
  target('no target where two are allowed', 'target.missing', drop('audience')),
  target('an audience that no rule allows', 'target.not_allowed', set('audience', 'https://payroll.internal.example')),
  target('an audience with a slash more', 'target.not_allowed', set('audience', `${orders}/`)),
  target('our own issuer as audience', 'target.not_allowed', set('audience', us)),
  target(
    'one allowed audience and one that is not',
    'target.not_allowed',
    add('audience', 'https://payroll.internal.example'),
  ),
  target(
    'an allowed audience and a resource that is not',
    'target.not_allowed',
    add('resource', 'https://payroll.internal.example'),
  ),
  target('a relative resource', 'target.invalid', set('resource', '/orders')),
  target('a resource with a fragment', 'target.invalid', set('resource', `${orders}#top`)),
  target('a resource with an empty fragment', 'target.invalid', set('resource', `${orders}#`)),
  target('a resource that is not a URI', 'target.invalid', set('resource', 'orders')),
  target('nine audiences', 'target.too_many', (form) => [
    ...form,
    ...Array.from({ length: 8 }, (_, n) => ['audience', `https://a${n}.example`] as const),
  ]),
  target(
    'an audience of 3,000 characters',
    'target.not_allowed',
    set('audience', `https://${'a'.repeat(3_000)}.example`),
  ),
  [
    'an audience that the client may not ask for',
    400,
    'invalid_target',
    'target.not_allowed',
    set('audience', billing),
    { authorization: narrowAuth },
  ],
]

const scopes: readonly Row[] = [
  scope('a scope that no rule allows', 'scope.not_allowed', 'admin'),
  scope('an allowed scope and one that is not', 'scope.not_allowed', 'orders:read admin'),
  scope('a scope in another case', 'scope.not_allowed', 'ORDERS:READ'),
  scope('a scope with a quote', 'scope.malformed', 'orders:"read"'),
  scope('a scope with a backslash', 'scope.malformed', 'orders\\read'),
  scope('two spaces', 'scope.malformed', 'orders:read  orders:write'),
  scope('a leading space', 'scope.malformed', ' orders:read'),
  scope('a tab', 'scope.malformed', 'orders:read\torders:write'),
  scope('letters beyond ASCII', 'scope.malformed', 'örders:read'),
  [
    'a scope that the client may not ask for',
    400,
    'invalid_scope',
    'scope.not_allowed',
    set('scope', 'orders:write'),
    { authorization: narrowAuth },
  ],
]

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const clients: readonly Row[] = [
  ['no client', 401, 'invalid_client', 'client.missing', (form) => form, { authorization: '' }],
  ['client_id alone', 401, 'invalid_client', 'client.missing', add('client_id', 'gateway'), { authorization: '' }],
  [
    'a secret without client_id',
    401,
    'invalid_client',
    'client.missing',
    add('client_secret', gatewaySecret),
    { authorization: '' },
  ],
  ['another scheme', 401, 'invalid_client', 'client.missing', (form) => form, { authorization: 'Bearer abc' }],
  ['Basic that is not base64', 401, 'invalid_client', 'client.missing', (form) => form, { authorization: 'Basic ???' }],
  [
    'Basic without a colon',
    401,
    'invalid_client',
    'client.credential_invalid',
    (form) => form,
    { authorization: `Basic ${btoa('gateway')}` },
  ],
  [
    'Basic with a broken escape',
    401,
    'invalid_client',
    'client.credential_invalid',
    (form) => form,
    { authorization: basic('gateway', '%zz') },
  ],
  [
    'a wrong secret',
    401,
    'invalid_client',
    'client.credential_invalid',
    (form) => form,
    { authorization: basic('gateway', 'wrong') },
  ],
  [
    'an empty secret',
    401,
    'invalid_client',
    'client.credential_invalid',
    (form) => form,
    { authorization: basic('gateway', '') },
  ],
  [
    'an unknown client',
    401,
    'invalid_client',
    'client.unknown',
    (form) => form,
    { authorization: basic('nobody', gatewaySecret) },
  ],
  [
    'a client of __proto__',
    401,
    'invalid_client',
    'client.unknown',
    (form) => form,
    { authorization: basic('__proto__', gatewaySecret) },
  ],
  [
    'a method that is not registered',
    401,
    'invalid_client',
    'client.method_not_registered',
    (form) => [...form, ['client_id', 'narrow'], ['client_secret', gatewaySecret]],
    { authorization: '' },
  ],
  [
    'client_id of another client beside Basic',
    401,
    'invalid_client',
    'client.credential_invalid',
    add('client_id', 'narrow'),
  ],
  [
    'Basic and a secret in the form',
    400,
    'invalid_request',
    'client.ambiguous',
    (form) => [...form, ['client_id', 'gateway'], ['client_secret', gatewaySecret]],
  ],
  [
    'Basic and an assertion',
    400,
    'invalid_request',
    'client.ambiguous',
    (form) => [...form, ['client_assertion_type', assertionType], ['client_assertion', 'e30.e30.AAAA']],
  ],
  [
    'an assertion of an unknown type',
    401,
    'invalid_client',
    'client.method_not_registered',
    (form) => [...form, ['client_assertion_type', 'saml'], ['client_assertion', 'e30.e30.AAAA']],
    { authorization: '' },
  ],
  [
    'a malformed assertion',
    401,
    'invalid_client',
    'client.credential_invalid',
    (form) => [...form, ['client_assertion_type', assertionType], ['client_assertion', 'nonsense']],
    { authorization: '' },
  ],
  [
    'a client without rights',
    400,
    'invalid_request',
    'source.not_allowed',
    (form) => form,
    { authorization: powerlessAuth },
  ],
]

for (const [name, rows] of Object.entries({ parameters, targets, scopes, clients })) {
  describe(`token requests: ${name}`, () => {
    it.each(
      rows.map(([what, status, error, reason, edit, headers]) => ({ what, status, error, reason, edit, headers })),
    )('answers $what with $status $error: $reason', async ({ status, error, reason, edit, headers }) => {
      const form = edit(Object.entries(goodForm(await world.idToken())))
      const answer = await world.exchange(form, headers)
      expect({ reason: answer.reason, status: answer.status, error: answer.body['error'] }).toEqual({
        reason,
        status,
        error,
      })
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('content-type')).toBe('application/json')
      expect(answer.headers.get('www-authenticate') !== null).toBe(status === 401)
      expect(answer.body['error_description']).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    })
  })
}

describe('the HTTP around the form', () => {
  /** Sends exactly these bytes; the status of the answer. */
  const raw = (text: string) =>
    new Promise<number>((resolve, reject) => {
      const socket = connect(Number(new URL(world.url).port), '127.0.0.1', () => socket.write(text))
      socket.once('data', (chunk) => {
        socket.destroy()
        resolve(Number(chunk.toString().split(' ')[1]))
      })
      socket.once('error', reject)
    })

  const post = async (init: RequestInit, path = '/token') =>
    answerOf(await fetch(`${world.url}${path}`, { method: 'POST', ...init }), world)

  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('answers %s with 405', async (method) => {
    const answer = await post({ method })
    expect({ status: answer.status, allow: answer.headers.get('allow'), reason: answer.reason }).toEqual({
      status: 405,
      allow: 'POST',
      reason: 'request.method',
    })
  })

  it.each(['application/json', 'multipart/form-data', 'text/plain', 'application/x-www-form-urlencodedx'])(
    'answers a body of %s with 400',
    async (type) => {
      const body = new URLSearchParams(goodForm(await world.idToken())).toString()
      const answer = await post({ headers: { authorization: gatewayAuth, 'content-type': type }, body })
      expect(answer).toMatchObject({ status: 400, reason: 'request.media_type', body: { error: 'invalid_request' } })
    },
  )

  it('answers a body of 1 MB with 413', async () => {
    const answer = await post({
      headers: { authorization: gatewayAuth, 'content-type': 'application/x-www-form-urlencoded' },
      body: `subject_token=${'a'.repeat(1_000_000)}`,
    })
    expect(answer).toMatchObject({ status: 413, reason: 'request.too_large', body: { error: 'invalid_request' } })
  })

  it('stops reading a body without a declared length at its limit', async () => {
    const chunk = new TextEncoder().encode('a'.repeat(65_536))
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 64) controller.enqueue(chunk)
        else controller.close()
      },
    })
    const init = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body, duplex: 'half' }
    const answer = await post(init as RequestInit).catch(() => undefined)
    if (answer !== undefined) expect(answer).toMatchObject({ status: 413, reason: 'request.too_large' })
    expect((await world.exchangeToken(await world.idToken())).status).toBe(200)
  })

  it('never reads parameters from the query', async () => {
    const query = new URLSearchParams({ ...goodForm(await world.idToken()), audience: billing }).toString()
    const answer = await post(
      { headers: { authorization: gatewayAuth, 'content-type': 'application/x-www-form-urlencoded' }, body: '' },
      `/token?${query}`,
    )
    expect(answer).toMatchObject({ status: 400, reason: 'request.parameter_missing' })
  })

  it('refuses two Authorization fields, of which a proxy may have read the other', async () => {
    const body = new URLSearchParams(goodForm(await world.idToken())).toString()
    const status = await raw(
      [
        'POST /token HTTP/1.1',
        'Host: dragoman',
        `Authorization: ${gatewayAuth}`,
        `Authorization: ${basic('gateway', 'wrong')}`,
        'Content-Type: application/x-www-form-urlencoded',
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n'),
    )
    expect(status).toBe(401)
    expect(world.traces.at(-1)?.outcome).toMatchObject({ reason: 'client.missing' })
  })

  it('takes a body that breaks off for the fault of the sender', async () => {
    const before = world.traces.length
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1')
    socket.write('POST /token HTTP/1.1\r\nHost: dragoman\r\nContent-Type: application/x-www-form-urlencoded\r\n')
    socket.write('Content-Length: 100\r\n\r\ngrant_type=')
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.destroy()
    await vi.waitFor(() => expect(world.traces.length).toBe(before + 1))
    expect(world.traces.at(-1)?.outcome).toMatchObject({ reason: 'request.malformed' })
  })

  it('survives bytes that are not HTTP', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(world.url).port), '127.0.0.1', () =>
        socket.write('\x16\x03\x01\x00 GARBAGE\r\n\r\n'),
      )
      socket.on('close', () => resolve())
      socket.on('error', () => resolve())
      socket.setTimeout(2_000, () => socket.destroy())
    })
    expect((await world.exchangeToken(await world.idToken())).status).toBe(200)
  })
})

describe('property', () => {
  const known = [
    'grant_type',
    'subject_token',
    'subject_token_type',
    'assertion',
    'audience',
    'resource',
    'scope',
    'client_id',
    'client_secret',
    'client_assertion',
    'client_assertion_type',
    'actor_token',
    'requested_token_type',
    'requested_lifetime',
  ]
  const parameter = fc.tuple(
    fc.oneof(fc.constantFrom(...known), fc.string({ maxLength: 12 })),
    fc.string({ unit: 'binary', maxLength: 60 }),
  )

  it('no form ever yields 5xx, and every refusal is an OAuth error', async () => {
    const token = await world.idToken()
    await fc.assert(
      fc.asyncProperty(fc.array(parameter, { maxLength: 12 }), fc.boolean(), async (pairs, onTop) => {
        const form = onTop ? [...Object.entries(goodForm(token)), ...pairs] : pairs
        const answer = await world.exchange(form.map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]))
        expect(answer.status).toBeLessThan(500)
        if (answer.status !== 200) expect(answer.body['error']).toMatch(/^[a-z_]+$/)
      }),
      { numRuns: 300 },
    )
  })

  it('no bytes as a body ever yield 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        const response = await fetch(`${world.url}/token`, {
          method: 'POST',
          headers: { authorization: gatewayAuth, 'content-type': 'application/x-www-form-urlencoded' },
          body: new Uint8Array(bytes),
        })
        expect(response.status).toBeLessThan(500)
        await response.arrayBuffer()
      }),
      { numRuns: 200 },
    )
  })
})
