import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProgram, temporaryFolder } from '../../test/world/program.ts'
import { samlIdentityProvider } from '../../test/world/saml-identity-provider.ts'
import { entitiesText } from '../../test/world/saml-metadata-text.ts'
import { nameIdFormats, namespaces } from '../../test/world/saml-names.ts'
import { changed, escaped } from '../../test/world/saml-text.ts'
import type { IdentityProvider } from '../formats/saml/metadata.ts'
import { rehearse } from '../rehearse.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { loadTrust } from '../trust.ts'
import { samlMapText, samlTestText } from './init-saml-documents.ts'
import { guessSamlProfile, samlProfiles } from './init-saml-profiles.ts'

const adfs = samlIdentityProvider({ entityId: 'http://sts.acme.example/adfs/services/trust' })
const university = samlIdentityProvider({ entityId: 'https://idp.university.example/idp/shibboleth', key: 'P-256' })

const initialized = async (metadata: string | Uint8Array, ...words: readonly string[]) => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'idp.xml'), metadata)
  return { cwd, ...(await runProgram(['init', '--metadata', 'idp.xml', ...words], { cwd })) }
}

const written = (cwd: string, name: string): string => readFileSync(join(cwd, 'trust-maps', name), 'utf8')

/** The written documents pass the very commands that the program names. */
const passes = async (cwd: string, out: string) => {
  const [, check = '', test = ''] = /\n {5}dragoman (check .*) && dragoman (test .*)\n/.exec(out) ?? []
  expect(await runProgram(check.split(' '), { cwd })).toMatchObject({ code: 0 })
  const tested = await runProgram(test.split(' '), { cwd })
  expect([tested.code, tested.out]).toEqual([0, expect.stringContaining('3 tests, 0 failed; 1 of 1 rule covered')])
}

describe('dragoman init --metadata', () => {
  it('writes a map and a test that pass as they are, beside the metadata', async () => {
    const { cwd, code, out, err } = await initialized(
      `\ufeff<?xml version="1.0" encoding="utf-8"?>${adfs.metadata({ validUntil: '2999-01-01T00:00:00Z' })}`,
      '--audience',
      'https://sts.example.com/saml',
    )
    expect([code, err]).toEqual([0, ''])
    expect(out.split('\n').slice(0, 4)).toEqual([
      'wrote trust-maps/adfs-saml.yaml and trust-maps/adfs-saml_test.yaml, with the metadata in trust-maps/adfs-saml.xml, by the preset adfs-saml',
      '',
      '  http://sts.acme.example/adfs/services/trust signs with RSA with 2048 bits',
      '  the metadata is valid until 2999-01-01T00:00:00.000Z',
    ])
    expect(out).toContain('explain @response.xml --issuer https://dragoman.example.com --trust-maps trust-maps')
    expect(readdirSync(join(cwd, 'trust-maps')).toSorted()).toEqual([
      'adfs-saml.xml',
      'adfs-saml.yaml',
      'adfs-saml_test.yaml',
    ])
    const map = written(cwd, 'adfs-saml.yaml')
    expect(map).toContain(`
    preset: adfs-saml
    saml:
      entityID: http://sts.acme.example/adfs/services/trust
      metadataFile: adfs-saml.xml
      audiences: [https://sts.example.com/saml] # decide: what the identity provider knows you by
`)
    expect(map.split('\n').length).toBeLessThanOrEqual(22)
    await passes(cwd, out)
    expect(await runProgram(['init', '--metadata', 'idp.xml'], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringContaining('adfs-saml.xml is there already and stays as it is'),
    })
  })

  it('fetches metadata and has the map fetch it again', async () => {
    const server = createServer((_, response) => void response.end(university.metadata()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => server.close().closeAllConnections())
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/idp/shibboleth`
    const cwd = temporaryFolder()
    const { code, out } = await runProgram(['init', '--metadata', url, '--name', 'uni', '--allow-private'], { cwd })
    expect([code, out.split('\n')[0]]).toEqual([
      0,
      'wrote trust-maps/uni.yaml and trust-maps/uni_test.yaml, by the preset shibboleth-saml',
    ])
    expect(written(cwd, 'uni.yaml')).toContain(`metadataURL: ${url}\n`)
    expect(written(cwd, 'uni.yaml')).toContain(`allowHosts: ["${new URL(url).host}"]\n`)
    expect(readdirSync(join(cwd, 'trust-maps'))).toHaveLength(2)
    await passes(cwd, out)
  })

  it('asks which one of several it is, and warns of who can speak for them', async () => {
    const federation = entitiesText([adfs.metadata(), university.metadata()], Date.now() / 1_000)
    expect(await initialized(federation)).toMatchObject({
      code: 2,
      err: `dragoman: idp.xml describes 2 identity providers; choose one with --entity-id:
  http://sts.acme.example/adfs/services/trust
  https://idp.university.example/idp/shibboleth
`,
    })
    const { cwd, code, out } = await initialized(federation, '--entity-id', university.entityId)
    expect(code).toBe(0)
    expect(out).toContain('  https://idp.university.example/idp/shibboleth signs with ECDSA on P-256\n')
    expect(out).toContain(
      '  the metadata describes 1 more: who publishes it can speak for all, so set metadataCertificates',
    )
    await passes(cwd, out)
    expect(await initialized(federation, '--entity-id', 'https://evil.example')).toMatchObject({
      code: 1,
      err: expect.stringContaining('the metadata is not about the entity'),
    })
  })

  it('names only the first of a great many', async () => {
    const many = Array.from({ length: 40 }, (_, index) => adfs.metadata({ entityId: `https://idp${index}.example/` }))
    const { err } = await initialized(entitiesText(many, Date.now() / 1_000))
    expect(err).toContain('describes 40 identity providers')
    expect(err).toMatch(/https:\/\/idp4\.example\/\n {2}and 35 more\n$/)
  })

  it('tells of keys that cannot be used, and of names that do not stay', async () => {
    const idp = samlIdentityProvider({ entityId: 'https://login.acme.example' })
    const weak = samlIdentityProvider({ key: 'RSA-1024' })
    const metadata = idp.metadata({
      certificates: [{ pem: idp.certificatePem }, { pem: weak.certificatePem }],
      keys: '',
    })
    const transient = `<md:NameIDFormat>${nameIdFormats.transient}</md:NameIDFormat>`
    const { out } = await initialized(
      changed(metadata, '<md:SingleSignOnService', `${transient}<md:SingleSignOnService`),
    )
    expect(out).toContain('  1 key in the metadata cannot be used here: too weak, or not in a sound certificate\n')
    expect(out).toContain('  its NameID (sub) may be transient, another one at each login')
  })

  it.each([
    ['has expired', adfs.metadata({ validUntil: -60 }), 'idp.xml was valid until'],
    ['has no key', adfs.metadata({ certificates: [] }), 'the identity provider has no key'],
    ['describes none', adfs.metadata({ role: '' }), 'it describes no identity provider of SAML 2.0'],
    ['is no metadata', '<html/>', 'the document is not SAML metadata'],
    ['is no XML', 'hello', 'the XML is not well-formed'],
    ['is not UTF-8', Uint8Array.from(Buffer.from(`\ufeff${adfs.metadata()}`, 'utf16le')), 'the document is not UTF-8'],
    ['has a DOCTYPE', `<!DOCTYPE x SYSTEM "file:///etc/passwd">${adfs.metadata()}`, 'the XML has a DOCTYPE'],
  ])('writes nothing when it %s', async (_, metadata, message) => {
    const { cwd, code, err } = await initialized(metadata)
    expect([code, err]).toEqual([1, expect.stringContaining(message)])
    expect(readdirSync(cwd)).toEqual(['idp.xml'])
  })

  it.each([
    [['--metadata', 'nowhere.xml'], 1, 'nowhere.xml cannot be read'],
    [['--metadata', 'http://idp.example/metadata'], 2, 'plain http is for this machine only'],
    [['--metadata', 'https://10.0.0.1/metadata'], 1, 'or, if that is your own network: --allow-private'],
    [['--metadata', 'idp.xml', '--issuer', 'https://idp.example'], 2, 'cannot be used with'],
    [['--metadata', 'idp.xml', '--ca', 'ca.pem'], 2, 'cannot be used with'],
    [['--ca', 'ca.pem', '--entity-id', 'https://idp.example'], 2, 'cannot be used with'],
    [['--entity-id', 'https://idp.example'], 2, '--entity-id goes with --metadata'],
  ])('says what is wrong with %j', async (words, code, message) => {
    const ended = await runProgram(['init', ...words], { cwd: temporaryFolder() })
    expect([ended.code, ended.err]).toEqual([code, expect.stringContaining(message)])
  })

  it('takes presets of its own kind only', async () => {
    expect(await initialized(adfs.metadata(), '--preset', 'okta')).toMatchObject({
      code: 2,
      err: 'dragoman: the preset okta is not one for SAML\n',
    })
    const { cwd } = await initialized(adfs.metadata(), '--preset', 'okta-saml', '--name', 'o')
    expect(written(cwd, 'o.yaml')).toContain('preset: okta-saml\n')
  })

  it('writes what strangers have written as nothing but text', async () => {
    const name = 'Acme"\n  evil: { } # ü\u2028'
    const organization = (text: string) =>
      '<md:Organization><md:OrganizationName xml:lang="en">x</md:OrganizationName>' +
      `<md:OrganizationDisplayName xml:lang="en">${escaped(text)}</md:OrganizationDisplayName>` +
      '<md:OrganizationURL xml:lang="en">https://x.example</md:OrganizationURL></md:Organization>'
    const attributes = [
      ['groups', 'urn:x: "#" }'],
      ['sub', 'urn:sub'],
      ['not a name', 'urn:n'],
      ['true', 'urn:true'],
    ].map(
      ([friendly = '', text = '']) =>
        `<saml:Attribute xmlns:saml="${namespaces.saml}" Name="${escaped(text)}" FriendlyName="${friendly}"/>`,
    )
    const hostile = samlIdentityProvider({ entityId: 'urn:x:y?a=b#c: d' })
    const metadata = changed(
      hostile.metadata({ roles: organization(name) }),
      '</md:IDPSSODescriptor>',
      `${attributes.join('')}</md:IDPSSODescriptor>`,
    )
    const { cwd, code, out } = await initialized(metadata)
    expect(code).toBe(0)
    const map = written(cwd, 'x-y-a-b-c-d.yaml')
    expect(map).toContain('# Believes "Acme\\" evil: { } # ü')
    expect(map).toContain('entityID: "urn:x:y?a=b#c: d"\n')
    expect(map).toContain('\n        groups: "urn:x: \\"#\\" }"\n        "true": urn:true\n  rules:')
    expect(map).not.toContain('urn:sub')
    await passes(cwd, out)
  })
})

describe('the maps that init writes', () => {
  const provider: IdentityProvider = {
    keys: [],
    unusableKeys: 0,
    validUntil: Number.POSITIVE_INFINITY,
    cacheDuration: Number.POSITIVE_INFINITY,
    singleSignOn: [],
    nameIdFormats: [],
    attributes: [],
  }

  it.each(Object.entries(samlProfiles))('pass check and test as they are: %s', async (_, profile) => {
    const draft = {
      name: 'it',
      entityID: 'https://idp.example/saml',
      place: { metadataURL: 'https://idp.example/metadata?appid=1' },
      xml: '',
      provider,
      others: 0,
      audience: 'https://dragoman.example.com, "quoted" # no comment',
      profile,
      allowHost: 'idp.example:8443',
      schema: '../schema/trust-maps.schema.json',
    }
    const files = [
      { name: 'it.yaml', text: samlMapText(draft) },
      { name: 'it_test.yaml', text: samlTestText(draft) },
    ]
    const digest = createNodeDigest()
    const { trust, faults } = await loadTrust(files, { world: 'serve', insecureLoopback: false, digest })
    expect(faults).toEqual([])
    if (trust === undefined) throw new Error('not loaded')
    const { tests, coverage } = await rehearse(trust, digest)
    expect(tests.flatMap(({ differences }) => differences)).toEqual([])
    expect(coverage.map((rule) => rule.tests)).toEqual([1])
  })

  it.each([
    ['https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/', '', 'entra-saml'],
    [
      'api://our-own-name',
      'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/saml2',
      'entra-saml',
    ],
    ['http://sts.acme.example/adfs/services/trust', '', 'adfs-saml'],
    ['https://login.acme.example', 'https://sts.acme.example/adfs/ls/', 'adfs-saml'],
    ['http://www.okta.com/exk1fcia6d6EMsf331d8', '', 'okta-saml'],
    ['https://login.acme.example', 'https://acme.okta.com/app/acme_x/exk1fcia6/sso/saml', 'okta-saml'],
    ['https://sso.acme.example/realms/acme', '', 'keycloak-saml'],
    ['https://sso.acme.example/auth/realms/acme', '', 'keycloak-saml'],
    ['https://idp.university.example/idp/shibboleth', '', 'shibboleth-saml'],
    ['urn:mace:university', 'https://idp.university.example/idp/profile/SAML2/POST/SSO', 'shibboleth-saml'],
    ['https://sts.windows.net.evil.example/x/', 'https://evilokta.com/x', 'generic'],
    ['https://idp.acme.example/saml', 'https://idp.acme.example/saml/sso', 'generic'],
  ])('%s with logins at %j is %s', (entityID, location, preset) => {
    expect(guessSamlProfile(entityID, [location])).toBe(preset)
  })
})
