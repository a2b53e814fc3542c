import { beforeAll, describe, expect, it } from 'vitest'
import { testCertificate } from '../world/certificates.ts'
import { changed } from '../world/saml-text.ts'
import { type Believing, startBelieving } from './saml/believing.ts'
import { type Made, madeBy, responseOf } from './saml/in-process.ts'
import { invalid } from './saml/presenting.ts'
import { takenOut } from './saml/taken-out.ts'

/** dragoman believes Lasso as identity provider. */

const entityId = 'https://lasso.example/idp'
const signer = testCertificate({ subject: 'Lasso', key: 'RSA-2048' })
const ours = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })

let made: Made
let dragoman: Believing
beforeAll(async () => {
  made = await madeBy('lasso_idp.py', { entityId, signer, encryptFor: ours })
  dragoman = await startBelieving(
    { lasso: { entityID: entityId, metadataFile: 'lasso.xml', decryptionKey: { file: 'ours.pem' } } },
    { 'lasso.xml': made.metadata, 'ours.pem': ours.privateKeyPem },
  )
  return dragoman.stop
})

describe('an assertion of Lasso', () => {
  it.each(['rsa-sha256', 'rsa-sha384', 'rsa-sha512'])('becomes a user: %s', async (special) => {
    const claims = { sub: 'user:alice@acme.example', mail: 'alice@acme.example', groups: ['staff'] }
    expect(await dragoman.accepted(takenOut(responseOf(made, special)))).toMatchObject(claims)
  })

  // Lasso encrypts with CBC only.
  it.each(['rsa-sha1', 'encrypted', 'encrypted name'])('is refused: %s', async (special) => {
    const xml = takenOut(responseOf(made, special))
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('is refused when somebody has changed it', async () => {
    const xml = changed(takenOut(responseOf(made, 'rsa-sha256')), '>alice@acme.example<', '>mallory@acme.example<')
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.signature_invalid'))
  })
})
