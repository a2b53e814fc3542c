/** The words of `text` as a name of a document: small letters, digits and hyphens. Empty when there are none. */
export const documentNameFrom = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 58)
    .replace(/-$/, '')
