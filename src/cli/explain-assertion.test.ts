import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testCertificate } from '../../test/world/certificates.ts'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'
import type { AssertionOptions } from '../../test/world/saml-assertion-text.ts'
import { encryptAssertion } from '../../test/world/saml-encryption.ts'
import { samlIdentityProvider } from '../../test/world/saml-identity-provider.ts'
import { nameIdFormats } from '../../test/world/saml-names.ts'
import { base64url, changed } from '../../test/world/saml-text.ts'

const at = '2026-12-01T12:00:00Z'
const seconds = Date.parse(at) / 1_000
const us = 'https://dragoman.example.com'

const idp = samlIdentityProvider({ now: () => seconds })
const encryption = testCertificate({ subject: 'dragoman', key: 'RSA-2048' })

const documents = `apiVersion: dragoman/v1alpha1
kind: TrustMap
metadata: { name: idp }
spec:
  source:
    saml:
      entityID: ${idp.entityId}
      metadataFile: idp.xml
      audiences: [${us}]
      decryptionKey: { file: decryption.pem }
      attributes: { email: email, groups: { name: groups, list: true } }
  rules:
    - name: orders
      when: { claims: { groups: { contains: orders-team } } }
      identity:
        type: user
        subject: { claim: sub, prefix: "user:" }
        claims: { email: { claim: email, sensitivity: pii } }
      grant: { audiences: [https://orders.example] }
`

const folder = (): string => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'idp.yaml'), documents)
  writeFileSync(join(cwd, 'idp.xml'), idp.metadata())
  writeFileSync(join(cwd, 'decryption.pem'), encryption.privateKeyPem)
  return cwd
}

const explain = (input: string, ...words: readonly string[]) =>
  runProgram(['explain', '--trust-maps', '.', '--at', at, '--issuer', us, ...words], { cwd: folder(), input })

const said = (options: AssertionOptions = {}, ...words: readonly string[]) =>
  explain(idp.signedAssertion(options), ...words)

describe('dragoman explain of an assertion', () => {
  it('shows what was checked, what it says of itself and what it would be exchanged for', async () => {
    const { code, out, err } = await said()
    expect(out).toBe(`granted
  ok      verify        source: a trust map that names the issuer: idp
  ok      verify        signature
                        wanted  rsa-sha256, rsa-sha384, rsa-sha512, ecdsa-sha256, ecdsa-sha384, ecdsa-sha512 by a key of https://idp.example.com/saml
                        seen    "rsa-sha256: it holds"
  ok      verify        signed
                        wanted  what the signature covers, and all that is read
                        seen    (not shown: no label makes it public; --reveal shows it)
  ok      verify        conditions: audience https://dragoman.example.com, recipient https://dragoman.example.com/token, times
  ok      map           rules[0].when.claims.groups (rule orders): {"contains":"orders-team"}

  assertion as it says itself
            Issuer                     https://idp.example.com/saml
            Audience                   https://dragoman.example.com
            Recipient                  https://dragoman.example.com/token
            NameID Format              urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress
            IssueInstant               2026-12-01T11:59:50.000Z, 10 seconds ago
            NotBefore                  2026-12-01T11:59:50.000Z, 10 seconds ago
            NotOnOrAfter               2026-12-01T12:05:00.000Z, in 5 minutes
            NotOnOrAfter of the bearer 2026-12-01T12:05:00.000Z, in 5 minutes
            AuthnInstant               2026-12-01T11:59:00.000Z, 60 seconds ago

  identity  user
            subject "user:alice@example.com"
            claims.email (pii; --reveal shows it)

  token     for https://orders.example, 300 seconds
            without claims.email
`)
    expect([code, err]).toEqual([0, ''])
  })

  it('shows all that was signed to whoever asks for it', async () => {
    const { out } = await said({}, '--reveal')
    expect(out).toMatch(
      /seen {4}<saml:Assertion .*<saml:AttributeValue>orders-team<\/saml:AttributeValue>.*<\/saml:Assertion>\n/,
    )
  })

  it('prints it as JSON, in which nobody is named', async () => {
    const { out } = await said({}, '-o', 'json')
    expect(JSON.parse(out)).toMatchObject({
      decision: 'granted',
      assertion: {
        issuer: idp.entityId,
        recipient: [`${us}/token`],
        times: expect.arrayContaining([{ name: 'NotOnOrAfter', at: '2026-12-01T12:05:00.000Z', fromNow: 300 }]),
      },
    })
    expect(JSON.parse(out)).not.toHaveProperty('notes')
    expect(out.replace('"user:alice@example.com"', '')).not.toContain('alice@example.com')
  })

  it('reads what is encrypted to us', async () => {
    const { code, out } = await explain(await encryptAssertion(idp.signedAssertion(), encryption))
    expect(code).toBe(0)
    expect(out).toContain('            Recipient                  https://dragoman.example.com/token\n')
  })

  it('takes the assertion out of a Response, and says so', async () => {
    const response = idp.sign(idp.response({ content: idp.assertion({ id: '_inner' }) }), { target: '_inner' })
    const { code, out } = await explain(Buffer.from(response).toString('base64'))
    expect(code).toBe(0)
    expect(out).toContain('\n  note    this is a Response: callers send the assertion in it alone\n')
  })

  it('says what to change where only the Response is signed', async () => {
    const { code, out } = await explain(idp.sign(idp.response({ content: idp.assertion() })))
    expect(code).toBe(1)
    expect(out).toMatch(/^refused {2}credential\.signature_invalid\n {2}the assertion is not signed\n/)
    expect(out).toContain('  advice  have the identity provider sign the assertion itself\n')
    expect(out).toMatch(/\n {2}note {4}only the Response is signed, .*Okta: Assertion Signature "Signed"/)
    const bare = await explain(idp.assertion())
    expect(bare.out).toContain('  advice  have the identity provider sign the assertion itself\n')
    expect(bare.out).not.toContain('note')
  })

  it('names the rule that came nearest', async () => {
    const { code, out } = await said({ attributes: { groups: ['others'] } })
    expect(code).toBe(1)
    expect(out).toMatch(/^refused {2}rule\.none_matched\n {2}the rule orders came nearest/)
    expect(out).toContain('  nearest the rule orders, by claims.groups\n  change  idp.yaml:14:')
    expect(out).not.toContain('others')
  })

  it('asks whose token endpoint is meant', async () => {
    const words = ['explain', '--trust-maps', '.', '--at', at]
    const { out } = await runProgram(words, { cwd: folder(), input: idp.signedAssertion() })
    expect(out).toMatch(/^refused {2}credential\.recipient_mismatch\n/)
    expect(out).toContain('  note    say whose token endpoint is meant: --issuer URL\n')
    const alias = ['--issuer', 'https://other.example', '--mtls-alias', us]
    expect(await runProgram([...words, ...alias], { cwd: folder(), input: idp.signedAssertion() })).toMatchObject({
      code: 0,
    })
  })

  it('warns of names that do not stay', async () => {
    const note = '  note    the subject is a transient NameID, another one at each login'
    const transient = await said({ nameId: { value: '_c3a5', format: nameIdFormats.transient } })
    expect(transient.out).toContain(note)
    const persistent = await said({ nameId: { value: '_c3a5', format: nameIdFormats.persistent } })
    expect(persistent.out).not.toContain(note)
  })

  it.each<[string, () => string, RegExp]>([
    [
      'credential.signature_invalid',
      () => changed(idp.signedAssertion(), 'alice@example.com', 'mallory@example.com'),
      /failed {2}verify {8}signature\n.*\n {24}seen {4}"rsa-sha256: the assertion was changed after it was signed"/,
    ],
    [
      'credential.signature_invalid',
      () => samlIdentityProvider({ now: () => seconds }).signedAssertion(),
      /advice {2}the assertion was changed or signed by somebody else: is the metadata/,
    ],
    [
      'issuer.unknown',
      () => idp.signedAssertion({ issuer: 'https://idp.example.com/samI' }),
      /advice {2}write a trust map for it: dragoman init --metadata URL; did you mean `https:\/\/idp\.example\.com\/saml`\?/,
    ],
    [
      'credential.audience_mismatch',
      () => idp.signedAssertion({ conditions: { audiences: [['https://other.example']] } }),
      /Audience {19}https:\/\/other\.example\n/,
    ],
    [
      'credential.recipient_mismatch',
      () => idp.signedAssertion({ confirmations: [{ recipient: 'https://app.example/acs' }] }),
      /seen {4}"Recipient is not https:\/\/dragoman\.example\.com\/token"\n[\s\S]*Recipient {18}https:\/\/app\.example\/acs\n/,
    ],
    [
      'credential.expired',
      () => idp.signedAssertion({ conditions: { notOnOrAfter: -7_200, notBefore: -9_000 } }),
      /failed {2}verify {8}conditions\n[\s\S]*NotOnOrAfter {15}2026-12-01T10:00:00\.000Z, 2 hours ago\n/,
    ],
    [
      'credential.algorithm_not_allowed',
      () => idp.signedAssertion({}, { method: 'rsa-sha1' }),
      /advice {2}have the identity provider sign with SHA-256 or stronger/,
    ],
    [
      'credential.malformed',
      () => Buffer.from(idp.signedAssertion()).toString('base64').padEnd(4, '='),
      /note {4}callers send base64url without padding/,
    ],
    ['credential.malformed', () => `<!DOCTYPE x>${idp.signedAssertion()}`, /\n {2}the XML has a DOCTYPE\n/],
  ])('explains %s', async (reason, make, words) => {
    const { code, out } = await explain(make())
    expect(code).toBe(1)
    expect(out).toMatch(new RegExp(`^refused {2}${reason}\\n`))
    expect(out).toMatch(words)
    expect(out).not.toMatch(/alice|mallory/)
  })

  it('lets nothing in an assertion reach the terminal as a command', async () => {
    const { out, err } = await said({
      issuer: 'https://x/\u009b31m\u202e',
      nameId: { value: 'a', format: 'urn:\u0085x' },
    })
    expect((out + err).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e]/u)
  })

  it('finds files beside the documents when a file with keys is given too', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'jwks.json'), '{"keys":[]}')
    const words = ['--trust-maps', folder(), '--at', at, '--issuer', us, '--keys-file', 'jwks.json']
    const ended = await runProgram(['explain', ...words, base64url(idp.signedAssertion())], { cwd })
    expect(ended).toMatchObject({ code: 0, err: '' })
  })
})
