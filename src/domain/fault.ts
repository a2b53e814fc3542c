/** A place in a document; lines and columns count from 1. */
export interface Location {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Something wrong in a document, for the person who wrote it. */
export interface Fault {
  readonly location: Location
  /** The key's path from the document's root, e.g. `spec.rules[0].grant.ttl`. */
  readonly path: string
  readonly message: string
  /** What to write instead. */
  readonly fix?: string
}
