import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { caller, orders } from '../world/documents.ts'
import { subjectTokenTypes } from '../world/dragoman.ts'
import { type Running, startBoth } from '../world/running.ts'

let running: Running
beforeAll(async () => {
  running = await startBoth()
  return running.stop
})

describe('a token of a real provider', () => {
  it.each(['RS256', 'ES256'] as const)('an ID token signed with %s becomes a canonical token', async (algorithm) => {
    const { provider, dragoman } = running
    const token = await provider.idToken('alice', algorithm)
    const answer = await dragoman.exchange({ subject_token: token, subject_token_type: subjectTokenTypes.idToken })
    expect(answer.body).toMatchObject({ issued_token_type: subjectTokenTypes.accessToken, token_type: 'Bearer' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')

    const { payload } = await dragoman.verified(answer.body.access_token)
    expect(payload).toMatchObject({ sub: 'user:alice', client_id: 'edge', groups: ['engineering', 'on-call'] })
    expect(payload).not.toHaveProperty('email')
    expect(payload.exp).toBe((payload.iat ?? 0) + (answer.body.expires_in ?? 0))
    expect(answer.body.expires_in).toBeLessThanOrEqual(300)
  })

  it.each(['RS256', 'ES256'] as const)('an access token signed with %s becomes a workload', async (algorithm) => {
    const { provider, dragoman } = running
    const token = await provider.accessToken({ algorithm })
    const answer = await dragoman.exchange({
      subject_token: token,
      subject_token_type: subjectTokenTypes.accessToken,
      scope: 'orders:read',
    })
    expect(answer.status).toBe(200)
    const { payload } = await dragoman.verified(answer.body.access_token)
    expect(payload).toMatchObject({ sub: `workload:${decodeJwt(token).sub}`, aud: orders, scope: 'orders:read' })
  })

  it("a user's access token becomes that user", async () => {
    const { provider, dragoman } = running
    const token = await provider.accessToken({ user: 'bob' })
    const answer = await dragoman.exchange({ subject_token: token, subject_token_type: subjectTokenTypes.accessToken })
    const { payload } = await dragoman.verified(answer.body.access_token)
    expect(payload.sub).toBe('user:bob')
  })
})

const refused = async (form: Record<string, string>) => {
  const answer = await running.dragoman.exchange(form)
  expect(answer.body).not.toHaveProperty('access_token')
  return { status: answer.status, error: answer.body.error, reason: await running.dragoman.reasonOf(answer) }
}

describe('what is refused', () => {
  it('someone for whom no rule speaks', async () => {
    const form = { subject_token: await running.provider.idToken('bob'), subject_token_type: subjectTokenTypes.idToken }
    expect(await refused(form)).toEqual({ status: 400, error: 'invalid_request', reason: 'rule.none_matched' })
  })

  it('an ID token that is presented as an access token', async () => {
    const token = await running.provider.idToken('alice')
    const form = { subject_token: token, subject_token_type: subjectTokenTypes.accessToken }
    const reason = 'credential.type_unsupported'
    expect(await refused(form)).toEqual({ status: 400, error: 'invalid_request', reason })
  })

  it("a token that the impostor signed, under the issuer's name and key id", async () => {
    const now = Math.floor(Date.now() / 1000)
    const { provider } = running
    const claims = { iss: provider.issuer, aud: 'orders-web', sub: 'alice', iat: now, exp: now + 300 }
    const forged = await provider.forgedToken({ ...claims, email: 'alice@acme.example', email_verified: true })
    const form = { subject_token: forged, subject_token_type: subjectTokenTypes.idToken }
    const reason = 'credential.signature_invalid'
    expect(await refused(form)).toEqual({ status: 400, error: 'invalid_request', reason })
  })

  it('an audience that the rule does not grant', async () => {
    const token = await running.provider.idToken('alice')
    const form = {
      subject_token: token,
      subject_token_type: subjectTokenTypes.idToken,
      audience: 'https://other.example',
    }
    expect(await refused(form)).toEqual({ status: 400, error: 'invalid_target', reason: 'target.not_allowed' })
  })
})

describe('the record', () => {
  it('has one line for every exchange and holds no token, secret or personal value', async () => {
    const { provider, dragoman } = running
    const before = dragoman.audit().length
    const token = await provider.idToken('alice')
    const form = { subject_token: token, subject_token_type: subjectTokenTypes.idToken }
    const granted = await dragoman.exchange(form)
    const tooWide = await dragoman.exchange({ ...form, scope: 'orders:write' })
    expect(await dragoman.reasonOf(tooWide)).toBe('scope.not_allowed')
    expect(dragoman.audit()).toHaveLength(before + 2)
    const parts = [...token.split('.'), ...(granted.body.access_token ?? '').split('.').slice(1)]
    for (const secret of [...parts, caller.secret]) expect(dragoman.output()).not.toContain(secret)
    expect(JSON.stringify(dragoman.audit())).not.toContain('alice@acme.example')
  })
})
