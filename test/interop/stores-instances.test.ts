import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientAssertion } from '../world/client-assertion.ts'
import { documentsFor, keyCallerDocument } from '../world/documents.ts'
import {
  type Answer,
  type Dragoman,
  eventually,
  newFolder,
  removeFolder,
  startDragoman,
  subjectTokenTypes,
} from '../world/dragoman.ts'
import { type OpenIdProvider, startOpenIdProvider } from '../world/openid-provider.ts'
import { paths } from '../world/openid-provider-settings.ts'
import { newSigningKey, publicHalf, type SigningKey } from '../world/signing-keys.ts'
import { askForCredential, bearerIn, canonicalToken, partner, tokenOfProvider, wayOut } from '../world/way-out.ts'
import { type Postgres, startPostgres } from './stores/postgres.ts'
import { password, type Redis, startRedis } from './stores/redis.ts'

/** Two instances over one store: what one of them has seen used, no other lets pass, whoever is killed. */

interface Store {
  readonly location: string
  /** The texts that are kept of credentials. */
  readonly kept: () => Promise<string>
  readonly kill: () => Promise<void>
  readonly restart: () => Promise<Store>
  readonly whileHanging: (work: () => Promise<void>) => Promise<void>
  readonly stop: () => Promise<void>
}

const overRedis = (redis: Redis): Store => ({
  ...redis,
  location: `redis://:${password}@127.0.0.1:${redis.port}`,
  async kept() {
    const names = (await redis.ask('--scan')).split('\n').filter((name) => name.includes('credential'))
    return (await Promise.all(names.map((name) => redis.ask('get', name)))).join('\n')
  },
  restart: async () => overRedis(await redis.restart()),
})

const overPostgres = (postgres: Postgres): Store => ({
  ...postgres,
  kept: () => postgres.query('select sealed from dragoman_credential'),
  restart: async () => overPostgres(await postgres.restart()),
})

const stores: readonly (readonly [string, () => Promise<Store>])[] = [
  ['Redis', async () => overRedis(await startRedis({ settings: { requirepass: password } }))],
  ['PostgreSQL', async () => overPostgres(await startPostgres())],
]

const issuer = 'https://dragoman.test.example'

describe.each(stores)('two instances over %s', (_name, start) => {
  let provider: OpenIdProvider
  let store: Store
  let key: SigningKey
  const folder = newFolder()
  const instances: Dragoman[] = []

  const startInstance = async (first = false): Promise<Dragoman> => {
    const options = ['--state', store.location, '--issuer', issuer]
    const deployer = keyCallerDocument('deployer', publicHalf(key), ['people'])
    const shared = partner('shared', tokenOfProvider(provider.issuer))
    const documents = first ? [...documentsFor(provider.issuer), ...wayOut, deployer, shared] : []
    const instance = await startDragoman(folder, documents, { options })
    instances.push(instance)
    return instance
  }

  let one: Dragoman
  let another: Dragoman
  beforeAll(async () => {
    store = await start()
    provider = await startOpenIdProvider()
    key = await newSigningKey('ES256', 'deployer-1')
    one = await startInstance(true)
    another = await startInstance()
  }, 120_000)
  afterAll(async () => {
    await Promise.all([...instances.map((instance) => instance.stop('SIGKILL')), provider?.stop(), store?.stop()])
    removeFolder(folder)
  })

  /** A form with a client assertion that nobody has used yet. */
  const fresh = async () => ({
    subject_token: await provider.idToken('alice'),
    subject_token_type: subjectTokenTypes.idToken,
    ...(await clientAssertion(key, 'deployer', issuer)),
  })

  const statusOf = ({ status }: Answer): number => status

  const refusedAt = async (instance: Dragoman, form: Awaited<ReturnType<typeof fresh>>) => {
    const answer = await instance.exchange(form)
    return [answer.status, await instance.reasonOf(answer)]
  }

  const replayed = [401, 'client.assertion_replayed']
  const undecided = [503, 'store.unavailable']

  describe('a client assertion', () => {
    it('that one instance has taken is refused by the other', async () => {
      const form = await fresh()
      expect((await one.exchange(form)).status).toBe(200)
      expect(await refusedAt(another, form)).toEqual(replayed)
    })

    it('is taken from exactly one of 64 who present it at once, to both', async () => {
      for (let round = 0; round < 5; round += 1) {
        const form = await fresh()
        const racers = Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? one : another).exchange(form))
        const statuses = (await Promise.all(racers)).map(statusOf)
        expect(statuses.filter((status) => status === 200)).toHaveLength(1)
        // Who asks of a busy instance may be turned away before anything is looked at.
        expect(statuses.filter((status) => ![200, 401, 503].includes(status))).toEqual([])
      }
    })

    it('stays used when the instance that took it is killed', async () => {
      const form = await fresh()
      expect((await one.exchange(form)).status).toBe(200)
      await one.stop('SIGKILL')
      expect(await refusedAt(another, form)).toEqual(replayed)
      one = await startInstance()
      expect(await refusedAt(one, form)).toEqual(replayed)
    })
  })

  describe('a partner credential', () => {
    it('that one instance has obtained is given by the other', async () => {
      const asked = async () => (await provider.requests()).issuer[`POST ${paths.token}`] ?? 0
      const token = await canonicalToken(provider, one, 'alice')
      const given = bearerIn(await askForCredential(one, token, 'shared.example'))
      expect(given.length).toBeGreaterThan(100)
      const before = await asked()
      expect(bearerIn(await askForCredential(another, token, 'shared.example'))).toBe(given)
      expect(await asked()).toBe(before)
      const kept = await store.kept()
      expect(kept).toMatch(/[\w-]{10,}\.[\w-]*\.[\w-]{10,}\.[\w-]{100,}\.[\w-]{10,}/)
      for (const secret of [given, given.split('.')[2] ?? '']) expect(kept.includes(secret)).toBe(false)
    })
  })

  describe('while the store', () => {
    it('hangs, nobody can say what was used, and is refused in time; with a secret everything goes on', async () => {
      const form = await fresh()
      await store.whileHanging(async () => {
        const begun = performance.now()
        expect(await refusedAt(one, form)).toEqual(undecided)
        expect(performance.now() - begun).toBeLessThan(4_000)
        expect((await one.exchange(withSecret(form))).status).toBe(200)
      })
      await back()
    })

    it('is killed under load, no assertion is taken twice, and everything goes on once it is back', async () => {
      const forms = await Promise.all(Array.from({ length: 60 }, fresh))
      const first = Promise.all(forms.map((form, n) => (n % 2 === 0 ? one : another).exchange(form)))
      await store.kill()
      const before = (await first).map(statusOf)
      expect(await refusedAt(one, await fresh())).toEqual(undecided)
      store = await store.restart()
      await back()
      const after = (await Promise.all(forms.map((form, n) => (n % 2 === 0 ? another : one).exchange(form)))).map(
        statusOf,
      )
      const twice = before.filter((status, n) => status === 200 && after[n] === 200)
      expect(twice).toEqual([])
      const never = before.filter((status, n) => status !== 200 && after[n] !== 200 && after[n] !== 401)
      expect(never).toEqual([])
    })
  })

  const withSecret = ({ subject_token, subject_token_type }: Awaited<ReturnType<typeof fresh>>) => ({
    subject_token,
    subject_token_type,
  })

  /** Both instances decide again. */
  const back = () =>
    eventually(async () => {
      const answers = await Promise.all([one, another].map(async (instance) => instance.exchange(await fresh())))
      return answers.every(({ status }) => status === 200) ? true : undefined
    }, 10_000)
})
