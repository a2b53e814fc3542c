/** `text` as a scalar in YAML flow or block style: bare where that can mean nothing else, otherwise in double quotes. */
export const yamlScalar = (text: string): string =>
  /^[A-Za-z/][A-Za-z0-9_./:-]*[A-Za-z0-9_/]$/.test(text) && !/^(true|false|null)$/i.test(text)
    ? text
    : JSON.stringify(text)

/** A list of scalars in flow style. */
export const yamlList = (texts: readonly string[]): string => `[${texts.map(yamlScalar).join(', ')}]`
