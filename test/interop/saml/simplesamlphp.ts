import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { newBrowser, pageAt, valueIn } from '../../world/browser.ts'
import { type TestCertificate, testCertificate } from '../../world/certificates.ts'
import { answers, type Daemon, freePort, startDaemon } from '../daemon.ts'
import { filled } from '../filled.ts'
import { audience, recipient } from './believing.ts'
import { programs } from './programs.ts'

/** simpleSAMLphp as identity provider, on PHP's own web server. */

const login = { user: 'alice', password: 'interop-of-dragoman' } as const

/** Its clients, each known by an entity ID that is the audience of what it gets. */
export const clients = {
  plain: audience,
  signedTwice: `${audience}/signed-twice`,
  responseOnly: `${audience}/response-only`,
  encrypted: `${audience}/encrypted`,
  encryptedName: `${audience}/encrypted-name`,
} as const

export type Client = keyof typeof clients

export interface Simplesamlphp extends Daemon {
  readonly entityId: string
  readonly metadataUrl: string
  /** Who signs the metadata. */
  readonly federation: TestCertificate
  /** A person signs in with a browser, up to the Response that the browser would post to the client, as XML. */
  readonly responseFor: (client: Client) => Promise<string>
}

const templates = ['config.php', 'authsources.php', 'metadata/saml20-idp-hosted.php', 'metadata/saml20-sp-remote.php']

const write = (folder: string, name: string, text: string): void => {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), text)
}

const responseAt = async (url: string, client: Client): Promise<string> => {
  const browse = newBrowser()
  const start = new URL(`${url}/saml2/idp/SSOService.php`)
  start.searchParams.set('spentityid', clients[client])
  const page = await pageAt(browse, start)
  const state = valueIn(page.text, /name="AuthState" value="([^"]+)"/)
  const form = { username: login.user, password: login.password, AuthState: state }
  const posting = await pageAt(browse, new URL('?', page.url), form)
  return Buffer.from(valueIn(posting.text, /name="SAMLResponse" value="([^"]+)"/), 'base64').toString()
}

/** Starts it and waits until it publishes its metadata; what it encrypts is for `encryptFor`. */
export const startSimplesamlphp = async (encryptFor: TestCertificate): Promise<Simplesamlphp> => {
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-simplesamlphp-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const federation = testCertificate({ subject: 'federation', key: 'RSA-2048' })
  const idp = testCertificate({ subject: 'idp', key: 'RSA-2048' })
  const entityId = `${url}/idp`
  const values = {
    url,
    entityId,
    recipient,
    ...login,
    ...clients,
    encryptFor: Buffer.from(encryptFor.der).toString('base64'),
  }
  for (const name of templates) {
    write(folder, name, filled(new URL(`./simplesamlphp/${name}`, import.meta.url), values))
  }
  for (const [name, { pem, privateKeyPem }] of Object.entries({ federation, idp })) {
    write(folder, `cert/${name}.pem`, pem)
    write(folder, `cert/${name}.key`, privateKeyPem)
  }
  mkdirSync(join(folder, 'temp'))
  const metadataUrl = `${url}/saml2/idp/metadata.php`
  const daemon = await startDaemon({
    name: 'simpleSAMLphp',
    // This old version says much that newer versions of PHP find deprecated, and would say it in its pages.
    command: ['php', '-d', 'display_errors=0', '-S', `127.0.0.1:${port}`, '-t', join(programs.simplesamlphp, 'www')],
    log: join(folder, 'php.log'),
    environment: { SIMPLESAMLPHP_CONFIG_DIR: folder },
    longestLife: 900,
    longestStart: 30,
    isReady: () => answers(metadataUrl),
  })
  const stop = async () => {
    await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...daemon, stop, entityId, metadataUrl, federation, responseFor: (client) => responseAt(url, client) }
}
