import type { Json } from '../domain/claims.ts'

/** Messages for operators. Fields never hold a token, a key, a secret or a claim. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, Json>>): void
  warn(message: string, fields?: Readonly<Record<string, Json>>): void
}
