import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCertificate } from '../world/certificates.ts'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import {
  type DigestName,
  digestMethods,
  namespaces,
  type SignatureName,
  signatureMethods,
} from '../world/saml-names.ts'
import { outputOf } from './command.ts'
import { unsignedAssertion } from './saml/assertions.ts'
import { type Believing, startBelieving } from './saml/believing.ts'
import { invalid } from './saml/presenting.ts'

/** dragoman believes what OpenSAML's program `samlsign` signs, as Shibboleth does. */

const issuer = 'https://opensaml.example/idp'
const signers = {
  rsa: testCertificate({ subject: 'rsa', key: 'RSA-2048' }),
  p256: testCertificate({ subject: 'p256', key: 'P-256' }),
  p384: testCertificate({ subject: 'p384', key: 'P-384' }),
} as const

const folder = newFolder()
afterAll(() => removeFolder(folder))

let dragoman: Believing
beforeAll(async () => {
  const files = Object.fromEntries(Object.entries(signers).map(([name, { pem }]) => [`${name}.pem`, pem]))
  dragoman = await startBelieving({ opensaml: { entityID: issuer, certificates: Object.keys(files) } }, files)
  return dragoman.stop
})

const put = (place: string, name: string, text: string): string => {
  writeFileSync(join(place, name), text)
  return join(place, name)
}

/** An assertion whose values have a type of XML Schema, signed by `samlsign`; by its defaults where nothing is said. */
const signed = async (signer: keyof typeof signers, method?: SignatureName, digest?: DigestName): Promise<string> => {
  const { pem, privateKeyPem } = signers[signer]
  const place = mkdtempSync(join(folder, 'samlsign-'))
  const statements = [
    [
      { name: 'mail', values: ['alice@acme.example'], type: 'xs:string' },
      { name: 'groups', values: ['a', 'b'], type: 'xs:string' },
    ],
  ]
  const declared = { xs: namespaces.xs, xsi: namespaces.xsi }
  const xml = unsignedAssertion({ issuer, assertion: { statements, declared } })
  const files = ['-k', put(place, 'key', privateKeyPem), '-c', put(place, 'cert', pem), '-f', put(place, 'xml', xml)]
  const methods = [
    ...(method === undefined ? [] : ['-alg', signatureMethods[method]]),
    ...(digest === undefined ? [] : ['-dig', digestMethods[digest]]),
  ]
  return outputOf('samlsign', ['-s', ...files, ...methods])
}

describe('an assertion signed by OpenSAML', () => {
  it.each([
    ['rsa', 'rsa-sha256', 'sha256'],
    ['rsa', 'rsa-sha384', 'sha384'],
    ['rsa', 'rsa-sha512', 'sha512'],
    ['p256', 'ecdsa-sha256', 'sha256'],
    ['p384', 'ecdsa-sha384', 'sha384'],
  ] as const)('becomes a user: %s, %s, %s', async (signer, method, digest) => {
    const xml = await signed(signer, method, digest)
    expect(xml).toContain('PrefixList="xs"')
    const claims = { sub: 'user:alice@example.com', mail: 'alice@acme.example', groups: ['a', 'b'] }
    expect(await dragoman.accepted(xml)).toMatchObject(claims)
  })

  it('is refused when it is signed with SHA-1, as it is by default', async () => {
    const xml = await signed('rsa')
    expect(xml).toContain(signatureMethods['rsa-sha1'])
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('is refused when its digest is SHA-1', async () => {
    const xml = await signed('rsa', 'rsa-sha256', 'sha1')
    expect(await dragoman.refused(xml)).toEqual(invalid('credential.algorithm_not_allowed'))
  })

  it('is refused when somebody has changed it', async () => {
    const xml = await signed('rsa', 'rsa-sha256', 'sha256')
    const changed = xml.replace('>alice@example.com<', '>mallory@example.com<')
    expect(await dragoman.refused(changed)).toEqual(invalid('credential.signature_invalid'))
  })
})
