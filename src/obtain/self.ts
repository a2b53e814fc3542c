import { Refusal } from '../domain/refusal.ts'
import type { CommonSettings, Obtainer } from './obtainer.ts'
import { bearerHeader } from './token-request.ts'

const keys = {}

/**
 * Our own token for another audience: what another deployment of ours, or a partner that follows our keys, accepts. Its
 * audience is that of the Partner document. It is made anew each time, so that `txn` is that of the request.
 */
export const self: Obtainer<CommonSettings, undefined> = {
  kind: 'self',
  keys,
  isRepeatable: true,
  parts: () => ['access_token'],
  usualHeaders: () => bearerHeader,
  namesParty: () => true,
  endpoints: () => [],
  prepare: async () => undefined,
  secrets: () => [],
  obtain: () => Promise.reject(new Refusal('internal', 'a token of ours is made of a grant')),
  async issue(grant, mint) {
    const { value, type, scope, expiresAt } = await mint(grant)
    return {
      parts: { access_token: value },
      token: { part: 'access_token', type, scheme: 'Bearer', scope },
      expiresAt,
    }
  },
}
