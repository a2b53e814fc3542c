import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentFile, snippetFiles, usualPlace } from '../src/cli/gateway-snippet-files.ts'
import { snippetKinds } from '../src/cli/gateway-snippet-kinds.ts'

/**
 * The pages of the gateways, which people write but for the snippets in them: between `<!-- snippet GATEWAY FILE -->`
 * and `<!-- end -->` stands what `dragoman gateway snippet` writes for a deployment with client certificates.
 */

const folder = join(import.meta.dirname, 'gateways')

/** The languages of files whose ending does not say it. */
const languages: Readonly<Record<string, string>> = { cfg: 'haproxy', conf: 'nginx', Caddyfile: 'caddyfile', mjs: 'js' }

const languageOf = (file: string): string => {
  const ending = file.slice(file.lastIndexOf('.') + 1)
  return languages[ending] ?? ending
}

const section = /<!-- snippet (\S+) (\S+) -->\n[\s\S]*?<!-- end -->/g

const snippetIn = async (gateway: string, file: string): Promise<string> => {
  const kind = snippetKinds.find(({ name }) => name === gateway)
  const files = kind === undefined ? {} : await snippetFiles(kind, { ...usualPlace, clientCertificates: true })
  const text = files[file]
  if (text === undefined) throw new Error(`there is no ${file} for ${gateway}`)
  return `<!-- snippet ${gateway} ${file} -->\n\`\`\`${languageOf(file)}\n${text.trimEnd()}\n\`\`\`\n<!-- end -->`
}

/** The page with its snippets as they are now. */
const withSnippets = async (page: string): Promise<string> => {
  const found = [...page.matchAll(section)]
  const snippets = await Promise.all(found.map(([, gateway = '', file = '']) => snippetIn(gateway, file)))
  let at = 0
  return page.replaceAll(section, () => snippets[at++] ?? '')
}

/** Each page by its path, as it is and as it should be. */
export const gatewayPages = (): Promise<
  readonly { readonly path: string; readonly current: string; readonly text: string }[]
> =>
  Promise.all(
    readdirSync(folder)
      .filter((name) => name.endsWith('.md'))
      .map(async (name) => {
        const path = join(folder, name)
        const current = readFileSync(path, 'utf8')
        return { path, current, text: await withSnippets(current) }
      }),
  )

/** All that a page could show. */
export const shownFiles = snippetKinds.flatMap(({ name, files }) =>
  [...files, documentFile].map((file) => ({ gateway: name, file })),
)
