import { LRUCache } from 'lru-cache'

/** What is remembered under keys that begin with a base64url digest. */
export interface Recent<T> {
  get(key: string): T | undefined
  /** Remembers `value` if this key was offered before, not long ago. `size` is in bytes. */
  offer(key: string, value: T, size: number): void
  forget(key: string): void
}

const slots = 65_536

/**
 * A memory of at most `maxSize` bytes. Only what comes a second time is let in: tokens that are used once would push
 * out those that are used often, and keeping an object costs the garbage collector more than parsing a token anew.
 * The first time leaves a mark of 32 bits behind, in one of a fixed number of slots.
 */
export const createRecent = <T extends object>(maxSize: number): Recent<T> => {
  const kept = new LRUCache<string, T>({ maxSize, maxEntrySize: 65_536 })
  const marks = new Int32Array(slots)
  const wasOfferedBefore = (key: string): boolean => {
    const slot = bits(key, 0) & (slots - 1)
    const mark = bits(key, 6)
    if (marks[slot] === mark) return true
    marks[slot] = mark
    return false
  }
  return {
    get: (key) => kept.get(key),
    offer(key, value, size) {
      if (wasOfferedBefore(key)) kept.set(key, value, { size })
    },
    forget(key) {
      kept.delete(key)
    },
  }
}

/** 32 bits of a digest, from six of its characters; never 0, which an empty slot holds. */
const bits = (digest: string, from: number): number => {
  let value = 1
  for (let at = from; at < from + 6; at++) value = (Math.imul(value, 67) + digest.charCodeAt(at)) | 0
  return value === 0 ? 1 : value
}
