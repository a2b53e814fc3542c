import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCertificate } from '../world/certificates.ts'
import { writeWhole } from '../world/documents.ts'
import { type Dragoman, newFolder, removeFolder, startDragoman } from '../world/dragoman.ts'
import { base64url } from '../world/saml-text.ts'
import { firstKey, samlRealm } from './keycloak/realms.ts'
import { addKey, withdrawKey } from './keycloak/running-keycloak.ts'
import { addClient } from './keycloak/saml-clients.ts'
import { decryptionKeyFile, samlDocuments } from './keycloak/saml-documents.ts'
import { responseFor, responseToRequest } from './keycloak/saml-login.ts'
import { invalid, type Presenting, presenting } from './saml/presenting.ts'
import { takenOut } from './saml/taken-out.ts'

/** dragoman believes a real Keycloak as SAML identity provider. The tests run in this order: the last ones change keys. */

const entityIds = {
  plain: 'https://dragoman.example',
  signedTwice: 'https://dragoman.example/signed-twice',
  once: 'https://dragoman.example/once',
  encrypted: 'https://dragoman.example/encrypted',
  encryptedOtherwise: 'https://dragoman.example/encrypted-otherwise',
  encryptedBadly: 'https://dragoman.example/encrypted-badly',
  elsewhere: 'https://elsewhere.example',
  pss: 'https://dragoman.example/pss',
  sha1: 'https://dragoman.example/sha-1',
  inclusive: 'https://dragoman.example/inclusive',
} as const

type Client = keyof typeof entityIds

const { elsewhere: _, ...own } = entityIds

const decryption = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })

const encrypting = {
  'saml.encrypt': 'true',
  'saml.encryption.certificate': Buffer.from(decryption.der).toString('base64'),
}

/** What Keycloak is told about each client beyond what it is told about all. */
const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  signedTwice: { 'saml.server.signature': 'true', 'saml.signature.algorithm': 'RSA_SHA512' },
  once: { 'saml.onetimeuse.condition': 'true' },
  encrypted: encrypting,
  encryptedOtherwise: {
    ...encrypting,
    'saml.encryption.algorithm': 'http://www.w3.org/2009/xmlenc11#aes128-gcm',
    'saml.encryption.keyAlgorithm': 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
    'saml.encryption.digestMethod': 'http://www.w3.org/2000/09/xmldsig#sha1',
  },
  encryptedBadly: {
    ...encrypting,
    'saml.encryption.algorithm': 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
    'saml.encryption.keyAlgorithm': 'http://www.w3.org/2001/04/xmlenc#rsa-1_5',
  },
  pss: { 'saml.signature.algorithm': 'RSA_SHA256_MGF1' },
  sha1: { 'saml.signature.algorithm': 'RSA_SHA1' },
  inclusive: { saml_signature_canonicalization_method: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315' },
}

const folders: string[] = []
afterAll(() => folders.forEach(removeFolder))

const started = async (more: Readonly<Record<string, unknown>> = {}): Promise<Dragoman> => {
  const folder = newFolder()
  folders.push(folder)
  writeWhole(join(folder, 'maps', decryptionKeyFile), decryption.privateKeyPem)
  const decryptionKey = { file: decryptionKeyFile }
  return startDragoman(folder, samlDocuments(Object.values(own), { decryptionKey, ...more }))
}

let dragoman: Dragoman
let ordinary: Presenting
let strict: Presenting
beforeAll(async () => {
  for (const [client, entityId] of Object.entries(entityIds)) await addClient(entityId, settings[client])
  dragoman = await started()
  ordinary = presenting(dragoman)
  const other = await started({ oneTimeUse: true, algorithms: ['rsa-sha256', 'rsa-pss-sha256'] })
  strict = presenting(other)
  return async () => {
    await dragoman.stop()
    await other.stop()
  }
}, 60_000)

const assertionFor = async (client: Client, user: 'alice' | 'bob' = 'alice') =>
  takenOut(await responseFor(entityIds[client], user))

/** Keycloak has groups and roles in no order. */
const alice = {
  sub: 'user:alice',
  groups: expect.arrayContaining(['/engineering', '/on-call']),
  roles: expect.arrayContaining(['orders-reader', 'orders-writer']),
  email: 'alice@acme.example',
}

describe('an assertion of Keycloak', () => {
  it('becomes a user, with what it says of her', async () => {
    const xml = await assertionFor('plain')
    expect(xml.match(/Name="Role"/g)?.length).toBeGreaterThan(1)
    expect(xml.match(/Name="urn:example:groups"/g)).toHaveLength(1)
    expect(await ordinary.accepted(xml)).toMatchObject(alice)
  })

  it('that answers a request becomes the same user', async () => {
    const response = await responseToRequest(entityIds.plain, 'alice')
    expect(response).toContain('InResponseTo=')
    expect(await ordinary.accepted(takenOut(response))).toMatchObject({ sub: alice.sub })
  })

  it('that is signed within a signed Response becomes the same user', async () => {
    const response = await responseFor(entityIds.signedTwice, 'alice')
    expect(response.match(/rsa-sha512/g)).toHaveLength(2)
    expect(await ordinary.accepted(takenOut(response))).toMatchObject({ sub: alice.sub })
  })

  it('is taken as an authorization grant', async () => {
    const assertion = base64url(await assertionFor('plain'))
    const grant_type = 'urn:ietf:params:oauth:grant-type:saml2-bearer'
    const answer = await dragoman.exchange({ grant_type, assertion })
    expect([answer.status, answer.body.error_description]).toEqual([200, undefined])
    expect((await dragoman.verified(answer.body.access_token)).payload).toMatchObject({ sub: alice.sub })
    const other = await dragoman.exchange({ grant_type, assertion: base64url(await assertionFor('elsewhere')) })
    expect([other.status, other.body.error]).toEqual([400, 'invalid_grant'])
  })

  it.each(['encrypted', 'encryptedOtherwise'] as const)('becomes the same user: %s', async (client) => {
    const xml = await assertionFor(client)
    expect(xml).toContain('EncryptedAssertion')
    expect(xml).not.toContain('alice')
    expect(await ordinary.accepted(xml)).toMatchObject({ sub: alice.sub })
  })

  it('that is signed as RSASSA-PSS becomes the same user, where the map says so', async () => {
    const xml = await assertionFor('pss')
    expect(await strict.accepted(xml)).toMatchObject({ sub: alice.sub })
    expect(await ordinary.refused(xml)).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('of someone for whom no rule speaks is refused', async () => {
    expect(await ordinary.refused(await assertionFor('plain', 'bob'))).toEqual(invalid('rule.none_matched'))
  })

  it('that was not made for dragoman is refused', async () => {
    expect(await ordinary.refused(await assertionFor('elsewhere'))).toEqual(invalid('credential.audience_mismatch'))
  })

  it('that somebody has changed is refused', async () => {
    const xml = await assertionFor('plain', 'bob')
    for (const [from, to] of [
      ['>bob<', '>alice<'],
      ['bob@acme.example', 'alice@acme.example'],
      [
        'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
        'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
      ],
    ] as const) {
      expect(xml).toContain(from)
      expect(await ordinary.refused(xml.replace(from, to))).toEqual(invalid('credential.signature_invalid'))
    }
  })

  it('that is encrypted and was changed on its way is refused', async () => {
    const xml = await assertionFor('encrypted')
    const at = xml.lastIndexOf('</xenc:CipherValue>') - 40
    const changed = `${xml.slice(0, at)}${xml[at] === 'A' ? 'B' : 'A'}${xml.slice(at + 1)}`
    expect(await ordinary.refused(changed)).toEqual(invalid('credential.decryption_failed'))
  })

  it.each(['encryptedBadly', 'sha1', 'inclusive'] as const)(
    'made by what is not allowed is refused: %s',
    async (client) => {
      expect(await ordinary.refused(await assertionFor(client))).toEqual(invalid('credential.algorithm_not_allowed'))
    },
  )

  it('as a whole Response is refused', async () => {
    expect(await ordinary.refused(await responseFor(entityIds.plain, 'alice'))).toEqual(invalid('credential.malformed'))
  })
})

describe('an assertion that comes again', () => {
  it('is taken again where nobody says otherwise', async () => {
    const xml = await assertionFor('plain')
    await ordinary.accepted(xml)
    await ordinary.accepted(xml)
  })

  it('is refused when it is for one use', async () => {
    const xml = await assertionFor('once')
    expect(xml).toContain('OneTimeUse')
    await ordinary.accepted(xml)
    expect(await ordinary.refused(xml)).toEqual(invalid('credential.replayed'))
  })

  it('is refused where every assertion is taken once, encrypted or not', async () => {
    for (const client of ['plain', 'encrypted'] as const) {
      const xml = await assertionFor(client)
      await strict.accepted(xml)
      expect(await strict.refused(xml)).toEqual(invalid('credential.replayed'))
    }
  })
})

describe('the keys of the realm', () => {
  it('a new key is found in the metadata, and the old one holds as long as it is there', async () => {
    const old = await assertionFor('plain')
    await ordinary.accepted(old)
    await addKey(samlRealm, 'second', 200)
    await ordinary.accepted(await assertionFor('plain'))
    await ordinary.accepted(old)
  })

  it('a key that has left the metadata is believed no more', async () => {
    const old = await assertionFor('plain')
    await ordinary.accepted(old)
    await addKey(samlRealm, 'third', 300)
    await withdrawKey(samlRealm, firstKey)
    await withdrawKey(samlRealm, 'second')
    // The other dragoman has looked at the metadata a moment ago, and waits before it does so again.
    await strict.accepted(await assertionFor('plain'))
    expect(await strict.refused(old)).toEqual(invalid('credential.signature_invalid'))
  })
})
