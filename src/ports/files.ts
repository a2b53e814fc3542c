/** Reads a file that a document names (a key set, a bundle). Relative paths start at the folder of the documents. */
export interface Files {
  read(path: string): Promise<string>
}
