/** Reads a file that a document names (a key set, a bundle). Relative paths start at the folder of the documents. */
export interface Files {
  read(path: string): Promise<string>
  /** The same, as it is. */
  readBytes(path: string): Promise<Uint8Array>
}
