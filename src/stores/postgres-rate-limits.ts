import type { RateLimits } from '../ports/rate-limits.ts'
import { type PostgresDatabase, sweeping } from './postgres.ts'
import { movedOn, noCount, stretchAt, untilRoom } from './sliding-window.ts'

/** The count as it is in the stretch of whoever asks, by the rules of sliding-window.ts. */
const current = 'CASE WHEN $2 > known.stretch THEN 0 ELSE known.current END'
const previous = `
  CASE WHEN $2 <= known.stretch THEN known.previous
    WHEN $2 = known.stretch + 1 THEN known.current ELSE 0 END`
const stretch = 'greatest(known.stretch, $2)'

/** One statement, which changes a row only where there is room: of all who race no more pass than there is room for. */
const take = `
  INSERT INTO dragoman_rate AS known (id, stretch, current, previous, until)
  VALUES ($1, $2::double precision, 1, 0, $5)
  ON CONFLICT (id) DO UPDATE
    SET stretch = ${stretch}, current = ${current} + 1, previous = ${previous}, until = greatest(known.until, $5)
    WHERE (${previous}) * (1 - least(1, greatest(0, $3::double precision - ${stretch}))) + ${current} < $4
  RETURNING 1`

const look = 'SELECT stretch, current, previous FROM dragoman_rate WHERE id = $1'

/** Counts that all who share a PostgreSQL add to. */
export const createPostgresRateLimits = (database: PostgresDatabase): RateLimits => {
  const sweep = sweeping(database, 'dragoman_rate')
  return {
    async take(key, limit, now) {
      await sweep(now)
      const { per, requests } = limit
      const id = `${per} ${key}`
      const here = stretchAt(limit, now)
      const passed = await database.rows(take, id, here, now / per, requests, now + 2 * per)
      if (passed.length === 1) return { passes: true }
      const [row = []] = await database.rows(look, id)
      const [known = noCount.stretch, inThis = 0, before = 0] = row.map(Number)
      const count = movedOn({ stretch: known, current: inThis, previous: before }, here)
      return { passes: false, roomIn: untilRoom(count, limit, now) }
    },
  }
}
