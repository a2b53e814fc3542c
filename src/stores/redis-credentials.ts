import type { Instant } from '../domain/time.ts'
import type { CredentialStore } from '../ports/credential-store.ts'
import { keptFor, type RedisDatabase } from './redis.ts'

const prefix = 'dragoman:credential:'

/** `until`, a space, and the sealed text: the end is judged by the clock of whoever reads. */
const written = /^(\S+) ([\s\S]*)$/

/** Credentials that all who share a Redis or Valkey find. */
export const createRedisCredentials = (database: RedisDatabase): CredentialStore => ({
  async get(key, now) {
    const name = prefix + key
    const reply = await database.run(name, 'GET', name)
    const [, until, sealed] = typeof reply === 'string' ? (written.exec(reply) ?? []) : []
    return now < Number(until) ? sealed : undefined
  },

  async put(key, sealed, until, now) {
    const name = prefix + key
    await database.run(name, 'SET', name, `${until} ${sealed}`, ...lifeOf(until, now))
  },

  async delete(key) {
    const name = prefix + key
    await database.run(name, 'DEL', name)
  },
})

/** What has no end is kept until it is deleted. */
const lifeOf = (until: Instant, now: Instant): readonly string[] =>
  Number.isFinite(until) ? ['PX', keptFor(Math.max(0, until - now))] : []
