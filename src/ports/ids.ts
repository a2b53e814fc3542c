/** Identifiers that nobody can guess: at least 122 random bits. */
export interface Ids {
  next(): string
}
