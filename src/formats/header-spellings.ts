/** Names with more hyphens are not spelt in every way, only with underscores throughout. */
const maxHyphens = 5

/**
 * The other names, lower-case, that servers of the CGI kind read like `name`: to them `-` and `_` are one (RFC 3875
 * section 4.1.18), wherever they stand.
 */
export const otherSpellings = (name: string): readonly string[] => {
  const [first = '', ...others] = name.toLowerCase().split('-')
  const all =
    others.length > maxHyphens
      ? [[first, ...others].join('_')]
      : others.reduce<readonly string[]>(
          (begun, part) => begun.flatMap((head) => [`${head}-${part}`, `${head}_${part}`]),
          [first],
        )
  return all.filter((spelling) => spelling !== name.toLowerCase())
}
