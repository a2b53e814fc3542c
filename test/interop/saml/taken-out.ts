/** What a caller does who has a whole Response and needs its assertion alone. */

const attribute = String.raw`\s+[^\s=<>]+\s*=\s*(?:"[^"]*"|'[^']*')`
const startTag = (name: string) => new RegExp(`<(${name})((?:${attribute})*)\\s*/?>`)
const declaration = /\s(xmlns(?::[^\s=]+)?)\s*=\s*(?:"[^"]*"|'[^']*')/g

/** The namespace declarations in a start tag, as written, by the name of the attribute. */
const declarationsIn = (attributes: string): ReadonlyMap<string, string> =>
  new Map([...attributes.matchAll(declaration)].map(([written, name = '']) => [name, written]))

/**
 * The one assertion of a Response, encrypted or not, as a document of its own: its text as it stands, to which the
 * namespaces are added that the Response declares around it.
 */
export const takenOut = (response: string): string => {
  const [, , around = ''] = startTag(String.raw`[^\s<>/!?]+`).exec(response) ?? []
  const found = startTag(String.raw`(?:[^\s<>/:]+:)?(?:Encrypted)?Assertion`).exec(response)
  if (found === null) throw new Error(`no assertion in: ${response}`)
  const [tag, name = '', attributes = ''] = found
  const inside = response.slice(found.index + tag.length)
  const end = inside.lastIndexOf(`</${name}`)
  const own = declarationsIn(attributes)
  const inherited = [...declarationsIn(around)].flatMap(([key, written]) => (own.has(key) ? [] : [written])).join('')
  return `<${name}${inherited}${tag.slice(name.length + 1)}${inside.slice(0, end)}</${name}>`
}
