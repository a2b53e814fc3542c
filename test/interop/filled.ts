import { readFileSync } from 'node:fs'

/** The text of a template file, with each `{{name}}` replaced; throws for a name without a value. */
export const filled = (template: URL, values: Readonly<Record<string, string | number>>): string =>
  readFileSync(template, 'utf8').replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${template.pathname}: no value for ${name}`)
    return String(value)
  })
