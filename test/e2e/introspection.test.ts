import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually, subjectTokenTypes } from '../world/dragoman.ts'
import { paths } from '../world/openid-provider-settings.ts'
import { type Running, startBoth } from '../world/running.ts'

/** Opaque access tokens, of which only their issuer can tell what they say (RFC 7662). */

let running: Running
beforeAll(async () => {
  running = await startBoth()
  return running.stop
})
afterEach(() => running.provider.restore())

const present = (token: string) =>
  running.dragoman.exchange({ subject_token: token, subject_token_type: subjectTokenTypes.accessToken })

const refusal = async (token: string) => {
  const answer = await present(token)
  return { status: answer.status, error: answer.body.error, reason: await running.dragoman.reasonOf(answer) }
}

describe('an opaque access token', () => {
  it('that is active becomes the user it stands for', async () => {
    const answer = await present(await running.provider.opaqueToken('alice'))
    expect(answer.status).toBe(200)
    expect((await running.dragoman.verified(answer.body.access_token)).payload.sub).toBe('user:alice')
  })

  it('that was revoked is refused, though it was good a moment ago', async () => {
    const token = await running.provider.opaqueToken('alice')
    expect((await present(token)).status).toBe(200)
    await running.provider.revoke(token)
    const reason = 'credential.inactive'
    expect(await refusal(token)).toEqual({ status: 400, error: 'invalid_request', reason })
  })

  it('that nobody issued is refused', async () => {
    const reason = 'credential.inactive'
    expect(await refusal('nobody-issued-this')).toEqual({ status: 400, error: 'invalid_request', reason })
  })

  it.each(['503', 'hang', 'refused', 'garbage', 'huge', 'empty'] as const)(
    'whose issuer cannot be asked (%s) is not judged',
    async (kind) => {
      const token = await running.provider.opaqueToken('alice')
      await running.provider.outage(kind, [paths.introspection])
      const reason = 'issuer.unavailable'
      expect(await refusal(token)).toEqual({ status: 503, error: 'temporarily_unavailable', reason })
      await running.provider.restore()
      await eventually(async () => ((await present(token)).status === 200 ? true : undefined), 10_000)
    },
  )
})
