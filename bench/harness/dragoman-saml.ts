import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { built, openedDesk } from './opened-desk.ts'
import { audience, entityId } from './saml-assertions.ts'
import { answerWithAssertions } from './saml-work.ts'

/** dragoman's own verification of an assertion, as the journey calls it, from the build. */

const { verifiers } = await built<typeof import('../../src/catalog.ts')>('catalog.js')
const { authenticatedAs } = await built<typeof import('../../src/domain/client.ts')>('domain/client.js')
const { secret } = await built<typeof import('../../src/domain/secret.ts')>('domain/secret.js')
const { tokenTypes } = await built<typeof import('../../src/domain/token-type.ts')>('domain/token-type.js')
const { newTrace } = await built<typeof import('../../src/domain/trace.ts')>('domain/trace.js')
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

const rights = { sources: ['**'], audiences: ['**'], scopes: ['**'] }
const presenter = { client: authenticatedAs({ id: 'bench', method: 'client_secret_basic', rights }) }

answerWithAssertions(async (assertions, { folder, certificate }) => {
  writeFileSync(join(folder, 'idp.pem'), certificate)
  const desk = await openedDesk({ folder, documents: [trustMap], issuer: audience, world: 'serve' })
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
