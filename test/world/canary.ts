/** What was written somewhere for good is searched for what must be nowhere. */
export interface Canary {
  /** Must be nowhere: as it is, as it stands in URLs and JSON, and line by line where it has lines. */
  readonly secret: (text: string) => void
  /** `where` says what it was that wrote. */
  readonly wrote: (where: string, text: string) => void
  /** @throws Error that names each place, and of a secret no more than its beginning */
  readonly check: () => void
}

/** Shorter texts stand everywhere by chance. */
const shortest = 10

const spellingsOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .flatMap((line) => [line, encodeURIComponent(line), JSON.stringify(line).slice(1, -1)])
    .filter((spelling) => spelling.length >= shortest && !spelling.startsWith('-----'))

export const createCanary = (): Canary => {
  const secrets = new Set<string>()
  const written = new Map<string, string[]>()
  return {
    secret(text) {
      for (const spelling of spellingsOf(text)) secrets.add(spelling)
    },
    wrote(where, text) {
      const texts = written.get(where) ?? []
      texts.push(text)
      written.set(where, texts)
    },
    check() {
      const found = [...written].flatMap(([where, texts]) => {
        const all = texts.join('\n')
        return [...secrets]
          .filter((secret) => all.includes(secret))
          .map((secret) => `${secret.slice(0, 6)}… in ${where}`)
      })
      if (found.length > 0) throw new Error(`secrets were written:\n${found.join('\n')}`)
      if (secrets.size === 0 || written.size === 0)
        throw new Error('there was nothing to search, or nothing to search for')
    },
  }
}
