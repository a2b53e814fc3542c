import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { callerDocument, type Document, grantOfOrders, trustMap, writeWhole } from '../../world/documents.ts'
import { newFolder, startDragoman } from '../../world/dragoman.ts'
import { type Presenting, presenting } from './presenting.ts'

/** dragoman with a trust map for each of some identity providers. */

export const audience = 'https://dragoman.example'
export const recipient = 'https://dragoman.example/saml/acs'

type Settings = Readonly<Record<string, unknown>>

const mapOf = (name: string, settings: Settings): Document =>
  trustMap(name, {
    source: {
      saml: {
        audiences: [audience],
        recipient,
        attributes: { mail: 'mail', groups: { name: 'groups', list: true } },
        ...settings,
      },
    },
    rules: [
      {
        name: 'everybody',
        when: { claims: { iss: { exists: true } } },
        identity: {
          type: 'user',
          subject: { claim: 'sub', prefix: 'user:' },
          groups: { claim: 'groups' },
          claims: { mail: { claim: 'mail', sensitivity: 'internal' } },
        },
        grant: grantOfOrders,
      },
    ],
  })

export interface Believing extends Presenting {
  readonly stop: () => Promise<void>
}

/**
 * Starts it. `sources` are what the trust maps say of `source.saml`, by the names of the maps; `files` lie beside the
 * documents.
 */
export const startBelieving = async (
  sources: Readonly<Record<string, Settings>>,
  files: Readonly<Record<string, string>>,
): Promise<Believing> => {
  const folder = newFolder()
  for (const [name, text] of Object.entries(files)) writeWhole(join(folder, 'maps', name), text)
  const maps = Object.entries(sources).map(([name, settings]) => mapOf(name, settings))
  const dragoman = await startDragoman(folder, [...maps, callerDocument(Object.keys(sources))])
  const stop = async () => {
    await dragoman.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...presenting(dragoman), stop }
}
