import { Hono } from 'hono'
import type { Desk } from '../desk.ts'
import { signingKey } from '../mint/keyring.ts'

/** What /readyz found of one thing that exchanges depend on. */
interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly state: string
}

const answer = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })

/**
 * The admin listener. `/livez`: the process serves. `/readyz`: documents are in force, there is a key to sign with and
 * the replay guard answers. An issuer whose keys cannot be had is shown but does not make us unready: its outage must
 * not take the other issuers' callers down with it.
 */
export const createAdminApp = (
  desk: () => Desk | undefined,
  isStopping: () => boolean,
  metrics?: () => Promise<{ readonly contentType: string; readonly body: string }>,
): Hono => {
  const app = new Hono()
  app.get('/livez', () => answer(200, { status: 'ok' }))
  app.get('/readyz', async () => {
    const findings = isStopping() ? [finding('server', false, 'stopping')] : await examine(desk())
    const ready = findings.every(({ ok }) => ok)
    return answer(ready ? 200 : 503, { status: ready ? 'ok' : 'not ready', checks: findings })
  })
  app.get('/metrics', async (context) => {
    if (metrics === undefined) return context.notFound()
    const { contentType, body } = await metrics()
    return new Response(body, { headers: { 'content-type': contentType, 'cache-control': 'no-store' } })
  })
  return app
}

const finding = (name: string, ok: boolean, state: string): Finding => ({ name, ok, state })

const examine = async (desk: Desk | undefined): Promise<readonly Finding[]> => {
  if (desk === undefined) return [finding('trust-maps', false, 'not loaded')]
  const now = desk.ports.clock.now()
  const key = signingKey(desk.keyring(), now)
  return [
    finding('trust-maps', true, desk.trust.version),
    finding('signing-key', key !== undefined, key === undefined ? 'none active' : 'active'),
    await examineReplay(desk),
    ...desk.keySetsInUse.map(({ of, keySet }) => finding(`keys of ${of}`, true, keySet.state(now))),
  ]
}

const examineReplay = async (desk: Desk): Promise<Finding> => {
  try {
    await desk.ports.replay.check()
    return finding('replay-guard', true, 'answers')
  } catch {
    return finding('replay-guard', false, 'does not answer')
  }
}
