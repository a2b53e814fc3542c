/** What a snippet is filled with. A flag decides whether the lines between `{{#flag}}` and `{{/flag}}` are there. */
export interface SnippetValues {
  readonly texts: Readonly<Record<string, string>>
  readonly flags: Readonly<Record<string, boolean>>
}

/**
 * The text of a template with each `{{name}}` replaced, and without the sections that are not meant: `{{#flag}}` begins
 * one for when the flag is set, `{{^flag}}` one for when it is not, `{{/flag}}` ends either, each on a line of its own.
 *
 * @throws Error for a name or a flag without a value, and for sections that do not end or lie in each other
 */
export const snippetText = (template: string, { texts, flags }: SnippetValues): string => {
  const kept: string[] = []
  let section: { readonly flag: string; readonly isMeant: boolean } | undefined
  for (const line of template.split('\n')) {
    const [, sign, flag = ''] = /^\{\{([#^/])(\w+)\}\}$/.exec(line.trim()) ?? []
    if (sign === undefined) {
      if (section?.isMeant !== false) kept.push(line)
    } else if (sign === '/') {
      if (section?.flag !== flag) throw new Error(`a section of ${flag} ends that has not begun`)
      section = undefined
    } else {
      if (section !== undefined) throw new Error(`a section of ${flag} begins in one of ${section.flag}`)
      section = { flag, isMeant: valueIn(flags, flag) === (sign === '#') }
    }
  }
  if (section !== undefined) throw new Error(`a section of ${section.flag} does not end`)
  return kept.join('\n').replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => valueIn(texts, name))
}

const valueIn = <T>(values: Readonly<Record<string, T>>, name: string): T => {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  if (value === undefined) throw new Error(`no value for ${name}`)
  return value
}
