import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerOptions } from '../../src/runtimes/node/server-options.ts'
import { audience, entityId } from './saml-assertions.ts'
import { answerWithAssertions } from './saml-work.ts'

/** dragoman's own verification of an assertion, as the journey calls it, from the build. */

const built = <Module>(path: string): Promise<Module> => import(new URL(`../../dist/${path}`, import.meta.url).href)

const { verifiers } = await built<typeof import('../../src/catalog.ts')>('catalog.js')
const { openDesk } = await built<typeof import('../../src/desk.ts')>('desk.js')
const { authenticatedAs } = await built<typeof import('../../src/domain/client.ts')>('domain/client.js')
const { silentMeters } = await built<typeof import('../../src/ports/meters.ts')>('ports/meters.js')
const { secret } = await built<typeof import('../../src/domain/secret.ts')>('domain/secret.js')
const { tokenTypes } = await built<typeof import('../../src/domain/token-type.ts')>('domain/token-type.js')
const { newTrace } = await built<typeof import('../../src/domain/trace.ts')>('domain/trace.js')
const { composePorts, deploymentOf, openState } =
  await built<typeof import('../../src/runtimes/node/composition.ts')>('runtimes/node/composition.js')
const { loadTrust } = await built<typeof import('../../src/trust.ts')>('trust.js')
const { sourcesOf, verify } = await built<typeof import('../../src/verify/verify.ts')>('verify/verify.js')

const trustMap = {
  apiVersion: 'dragoman/v1alpha1',
  kind: 'TrustMap',
  metadata: { name: 'bench' },
  spec: {
    source: {
      saml: {
        entityID: entityId,
        certificates: ['idp.pem'],
        audiences: [audience],
        attributes: { email: 'email', groups: { name: 'groups', list: true } },
      },
    },
    rules: [{ name: 'everybody', identity: { type: 'user', subject: { claim: 'sub' } }, grant: { audiences: ['x'] } }],
  },
}

const optionsIn = (folder: string): ServerOptions => ({
  trustMaps: folder,
  keys: folder,
  host: '127.0.0.1',
  port: 0,
  adminHost: '127.0.0.1',
  adminPort: 0,
  state: ':memory:',
  audit: 'none',
  world: 'serve',
  log: { info: () => undefined, warn: () => undefined },
})

const deskIn = async (folder: string) => {
  const options = optionsIn(folder)
  const state = await openState(options.state)
  const live = { stopping: false }
  const ports = composePorts(options, state, { record: () => undefined }, silentMeters, live)
  const files = [{ name: 'bench.yaml', text: JSON.stringify(trustMap) }]
  const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest: ports.digest })
  if (trust === undefined) throw new Error(JSON.stringify(faults))
  const opened = await openDesk(trust, deploymentOf(options, audience, ports, live))
  if (!('desk' in opened)) throw new Error(JSON.stringify(opened.faults))
  return opened.desk
}

const rights = { sources: ['**'], audiences: ['**'], scopes: ['**'] }
const presenter = { client: authenticatedAs({ id: 'bench', method: 'client_secret_basic', rights }) }

answerWithAssertions(async (assertions, { folder, certificate }) => {
  writeFileSync(join(folder, 'idp.pem'), certificate)
  const desk = await deskIn(folder)
  const tokens = assertions.map((xml) => secret(Buffer.from(xml, 'latin1').toString('base64url')))
  return () => {
    const sources = sourcesOf(desk.sources.all)
    return async (n) => {
      const raw = tokens[n] ?? secret('')
      const now = Date.now() / 1000
      const trace = newTrace('bench', now, false)
      const credential = { type: tokenTypes.saml2, raw }
      const verified = await verify(credential, presenter, sources, verifiers, desk.mayPresent, now, desk, trace)
      return verified.credential.subject
    }
  }
})
