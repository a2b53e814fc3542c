import { beforeAll, describe, expect, it } from 'vitest'
import { testCertificate } from '../world/certificates.ts'
import { changed } from '../world/saml-text.ts'
import { type Believing, startBelieving } from './saml/believing.ts'
import { invalid } from './saml/presenting.ts'
import { clients, type Simplesamlphp, startSimplesamlphp } from './saml/simplesamlphp.ts'
import { takenOut } from './saml/taken-out.ts'

/** dragoman believes a running simpleSAMLphp, by the signed metadata that it publishes. */

const ours = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })

let provider: Simplesamlphp
beforeAll(async () => {
  provider = await startSimplesamlphp(ours)
  return provider.stop
})

/** dragoman, which believes metadata that `signer` has signed. */
const started = (signer = provider.federation) =>
  startBelieving(
    {
      simplesamlphp: {
        entityID: provider.entityId,
        metadataURL: provider.metadataUrl,
        metadataCertificates: ['federation.pem'],
        allowHosts: ['127.0.0.1'],
        audiences: Object.values(clients),
        decryptionKey: { file: 'ours.pem' },
      },
    },
    { 'federation.pem': signer.pem, 'ours.pem': ours.privateKeyPem },
  )

describe('an assertion of simpleSAMLphp', () => {
  let dragoman: Believing
  beforeAll(async () => {
    dragoman = await started()
    return dragoman.stop
  })

  it.each(['plain', 'signedTwice'] as const)('becomes a user: %s', async (client) => {
    const claims = { sub: 'user:alice', mail: 'alice@acme.example', groups: ['engineering', 'on-call <&> "Überall"'] }
    expect(await dragoman.accepted(takenOut(await provider.responseFor(client)))).toMatchObject(claims)
  })

  // This version of it encrypts with CBC only.
  it.each(['encrypted', 'encryptedName'] as const)('is refused: %s', async (client) => {
    const xml = takenOut(await provider.responseFor(client))
    expect(xml).toContain('#aes128-cbc"')
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('is refused when its Response alone is signed', async () => {
    const xml = takenOut(await provider.responseFor('responseOnly'))
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.signature_invalid'))
  })

  it('is refused when somebody has changed it', async () => {
    const xml = changed(takenOut(await provider.responseFor('plain')), '>alice<', '>mallory<')
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.signature_invalid'))
  })
})

it('metadata that somebody else has signed gives no keys', async () => {
  const dragoman = await started(ours)
  try {
    const unavailable = { status: 503, error: 'temporarily_unavailable', reason: 'keys.unavailable' }
    expect(await dragoman.refused(takenOut(await provider.responseFor('plain')))).toEqual(unavailable)
  } finally {
    await dragoman.stop()
  }
})
