import { afterEach, describe, expect, it } from 'vitest'
import { clientAssertion } from '../world/client-assertion.ts'
import { documentsFor, keyCallerDocument } from '../world/documents.ts'
import { subjectTokenTypes } from '../world/dragoman.ts'
import { type KeepAliveCaller, keepAliveCaller, type Outcome } from '../world/keep-alive-caller.ts'
import { paths } from '../world/openid-provider-settings.ts'
import { type Running, startBoth } from '../world/running.ts'
import { newSigningKey, publicHalf } from '../world/signing-keys.ts'

let running: Running | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

describe('a graceful stop', () => {
  it('answers what is in flight and ends with 0', async () => {
    running = await startBoth()
    const { provider, dragoman } = running
    const [opaque, signed] = await Promise.all([provider.opaqueToken('alice'), provider.idToken('alice')])
    const warm = { subject_token: signed, subject_token_type: subjectTokenTypes.idToken }
    expect((await dragoman.exchange(warm)).status).toBe(200)

    // Held up at the issuer, so that they are in flight for certain when the signal comes.
    await provider.outage('slow', [paths.introspection])
    const held = Array.from({ length: 20 }, () =>
      dragoman.exchange({ subject_token: opaque, subject_token_type: subjectTokenTypes.accessToken }),
    )
    const counted = () => provider.requests().then(({ issuer }) => issuer[`POST ${paths.introspection}`] ?? 0)
    await expect.poll(counted, { timeout: 5000 }).toBeGreaterThanOrEqual(20)
    const ended = dragoman.stop('SIGTERM')
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(held.map(() => 200))
    expect(await ended).toEqual({ code: 0, signal: null })
    await expect(dragoman.exchange(warm)).rejects.toThrow('fetch failed')
  })

  it('under load loses nothing that callers sent over connections they had kept', async () => {
    running = await startBoth()
    const { provider, dragoman } = running
    const token = await provider.idToken('alice')
    const outcomes: Outcome[] = []
    const send = async (caller: KeepAliveCaller): Promise<void> => {
      const outcome = await caller.exchange(dragoman.url, token, subjectTokenTypes.idToken)
      outcomes.push(outcome)
      return outcome === 'answered' ? send(caller) : caller.close()
    }
    const callers = Array.from({ length: 8 }, () => send(keepAliveCaller()))
    await expect.poll(() => outcomes.length, { timeout: 10_000 }).toBeGreaterThan(100)
    expect(await dragoman.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    await Promise.all(callers)
    const count = (outcome: Outcome) => outcomes.filter((one) => one === outcome).length
    expect([count('lost'), count('not taken')]).toEqual([0, 8])
    expect(dragoman.audit()).toHaveLength(count('answered'))
  })
})

describe('a crash', () => {
  it('does not bring a used client assertion back to life', async () => {
    const key = await newSigningKey('ES256', 'deployer-1')
    const deployer = keyCallerDocument('deployer', publicHalf(key), ['people'])
    running = await startBoth((issuer) => [...documentsFor(issuer), deployer])
    const { provider, dragoman } = running
    const subject = { subject_token: await provider.idToken('alice'), subject_token_type: subjectTokenTypes.idToken }
    const used = { ...subject, ...(await clientAssertion(key, 'deployer', dragoman.issuer)) }
    expect((await dragoman.exchange(used)).status).toBe(200)
    const again = await dragoman.exchange(used)
    expect([again.status, await dragoman.reasonOf(again)]).toEqual([401, 'client.assertion_replayed'])

    expect(await dragoman.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
    const next = await running.restart()
    const after = await next.exchange(used)
    expect([after.status, await next.reasonOf(after)]).toEqual([401, 'client.assertion_replayed'])
    const fresh = { ...subject, ...(await clientAssertion(key, 'deployer', next.issuer)) }
    expect((await next.exchange(fresh)).status).toBe(200)
  })

  it('leaves the signing keys as they were: a token from before still verifies', async () => {
    running = await startBoth()
    const { provider, dragoman } = running
    const form = { subject_token: await provider.idToken('alice'), subject_token_type: subjectTokenTypes.idToken }
    const before = await dragoman.exchange(form)
    await dragoman.stop('SIGKILL')
    const next = await running.restart()
    const { payload } = await next.verified(before.body.access_token)
    expect(payload.sub).toBe('user:alice')
  })
})
