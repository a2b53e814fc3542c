import { LRUCache } from 'lru-cache'
import type { Instant } from '../domain/time.ts'
import type { CredentialStore } from '../ports/credential-store.ts'

const maxEntries = 10_000

/** A store that ends with its process. */
export const createMemoryCredentials = (): CredentialStore => {
  const kept = new LRUCache<string, { readonly sealed: string; readonly until: Instant }>({ max: maxEntries })
  return {
    async get(key, now) {
      const found = kept.get(key)
      return found !== undefined && now < found.until ? found.sealed : undefined
    },
    async put(key, sealed, until) {
      kept.set(key, { sealed, until })
    },
    async delete(key) {
      kept.delete(key)
    },
  }
}
