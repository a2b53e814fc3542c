import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder, removeFolder } from '../world/dragoman.ts'
import { openssl } from './certificates/openssl.ts'
import { asEdge, exchange, refused, unknownClient } from './dragoman/exchange.ts'
import { issuer } from './dragoman/serving.ts'
import { mintJwt, mintX509 } from './spire/commands.ts'
import { documents, federated, fromFiles, ordersId, wronglyFederated } from './spire/documents.ts'
import { spire } from './spire/running-spire.ts'
import { type BesideSpire, startBesideSpire } from './spire/serving.ts'
import { ofJwt, ofX509, thumbprintOf } from './spire/svids.ts'
import { fetchJwt, fetchX509 } from './spire/workload.ts'

/** dragoman believes the SVIDs of a real SPIRE, by its bundles from files and from its bundle endpoints. */

const folder = newFolder()
afterAll(() => removeFolder(folder))

const { server, agent, partner, nested } = spire

const domainId = `spiffe://${server.trustDomain}`

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'

const certificatesIn = (pem: string): readonly string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []

describe.each([
  ['files', fromFiles],
  ['bundle endpoints', federated],
] as const)('by bundles from %s', (_, bundles) => {
  let dragoman: BesideSpire
  beforeAll(async () => {
    dragoman = await startBesideSpire(folder, bundles, documents(bundles))
    return dragoman.stop
  })

  it('an X.509-SVID of the agent authenticates its holder and is exchanged', async () => {
    const svid = await fetchX509(agent)
    const outcome = await exchange(
      dragoman,
      { by: dragoman.callerWith(svid) },
      { ...ofX509(svid), client_id: ordersId },
    )
    const claims = { sub: 'workload:prod/orders-web', client_id: ordersId, map: 'workloads', rule: 'ours' }
    expect(outcome).toMatchObject({ status: 200, claims })
  })

  it('a JWT-SVID of the agent is exchanged by whom its X.509-SVID authenticates', async () => {
    const [svid, token] = [await fetchX509(agent), await fetchJwt(agent, issuer)]
    const outcome = await exchange(
      dragoman,
      { by: dragoman.callerWith(svid) },
      { ...ofJwt(token), client_id: ordersId },
    )
    expect(outcome).toMatchObject({ status: 200, claims: { sub: 'workload:prod/orders-web', client_id: ordersId } })
  })

  it('a JWT-SVID authenticates the client whose SPIFFE ID it names, with client_id or without', async () => {
    const assertion = { client_assertion: await fetchJwt(agent, issuer), client_assertion_type: assertionType }
    const form = { ...assertion, ...ofJwt(await fetchJwt(agent, issuer)) }
    const granted = { status: 200, claims: { sub: 'workload:prod/orders-web', client_id: ordersId } }
    expect(await exchange(dragoman, { by: dragoman.anyone }, form)).toMatchObject(granted)
    expect(await exchange(dragoman, { by: dragoman.anyone }, { ...form, client_id: ordersId })).toMatchObject(granted)
  })

  it('the partner’s SVIDs, which are of RSA, do the same, and bind the token', async () => {
    const svid = await mintX509(partner, 'billing')
    const asked = { by: dragoman.callerWith(svid) }
    const claims = { sub: 'workload:partner/billing', client_id: 'billing' }
    expect(await exchange(dragoman, asked, { ...ofX509(svid), client_id: 'billing' })).toMatchObject({
      status: 200,
      claims: { ...claims, rule: 'theirs-bound', cnf: { 'x5t#S256': thumbprintOf(svid) } },
    })
    const assertion = {
      client_assertion: await mintJwt(partner, 'billing', issuer),
      client_assertion_type: assertionType,
      client_id: 'billing',
    }
    const form = { ...assertion, ...ofJwt(await mintJwt(partner, 'billing', issuer)) }
    expect(await exchange(dragoman, { by: dragoman.anyone }, form)).toMatchObject({
      status: 200,
      claims: { ...claims, rule: 'theirs' },
    })
  })

  it('an X.509-SVID below an intermediate is exchanged, and refused without that', async () => {
    const svid = await mintX509(nested, 'reports')
    expect(certificatesIn(svid.chain)).toHaveLength(2)
    const asked = { by: dragoman.callerWith(svid) }
    expect(await exchange(dragoman, asked, { ...ofX509(svid), ...asEdge })).toMatchObject({
      status: 200,
      claims: { sub: 'workload:nested/reports' },
    })
    const alone = { ...asEdge, ...ofX509(svid), subject_token: certificatesIn(svid.chain)[0] ?? '' }
    expect(await exchange(dragoman, asked, alone)).toEqual(refused('credential.chain_untrusted'))
  })

  it('a trust domain that is known by PEM has no JWT-SVIDs', async () => {
    const form = ofJwt(await mintJwt(nested, 'reports', issuer))
    expect(await exchange(dragoman, { by: dragoman.anyone }, { ...asEdge, ...form })).toEqual(
      refused('credential.key_unknown'),
    )
  })

  it('an X.509-SVID of another workload authenticates nobody but its holder', async () => {
    const other = { by: dragoman.callerWith(await mintX509(server, 'reports')) }
    const svid = await fetchX509(agent)
    expect(await exchange(dragoman, other, { ...ofX509(svid), client_id: ordersId })).toEqual(
      unknownClient('client.credential_invalid'),
    )
    expect(await exchange(dragoman, { by: dragoman.anyone }, { ...ofX509(svid), client_id: ordersId })).toEqual(
      unknownClient('client.missing'),
    )
  })

  it('a JWT-SVID of another workload, or for somebody else, authenticates nobody', async () => {
    const subject = ofJwt(await fetchJwt(agent, issuer))
    const assertions = [
      await mintJwt(server, 'reports', issuer),
      await mintJwt(partner, 'orders-web', issuer),
      await fetchJwt(agent, 'https://other.test.example'),
      await mintJwt(server, 'orders-web', issuer, 3_600),
    ]
    for (const client_assertion of assertions) {
      const form = { ...subject, client_assertion, client_assertion_type: assertionType, client_id: ordersId }
      expect(await exchange(dragoman, { by: dragoman.anyone }, form)).toEqual(
        unknownClient('client.credential_invalid'),
      )
    }
  })

  it('a trust domain proves no SVID of the other', async () => {
    const token = await mintJwt(partner, 'billing', issuer)
    const [header, payload = '', signature] = token.split('.')
    const claims: object = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const moved = Buffer.from(JSON.stringify({ ...claims, sub: ordersId })).toString('base64url')
    const form = ofJwt(`${header}.${moved}.${signature}`)
    expect(await exchange(dragoman, { by: dragoman.anyone }, { ...asEdge, ...form })).toEqual(
      refused('credential.key_unknown'),
    )
    const mixed = await mintX509(partner, 'orders-web')
    expect(
      await exchange(dragoman, { by: dragoman.callerWith(mixed) }, { ...ofX509(mixed), client_id: ordersId }),
    ).toEqual(unknownClient('client.credential_invalid'))
  })

  it('an authority of its own makes nobody an X.509-SVID of the trust domain', async () => {
    const own = mkdtempSync(join(folder, 'forged-'))
    const root = await openssl.issue(own, 'p256', { commonName: 'own', authority: {}, names: { uri: [domainId] } })
    const leaf = { commonName: 'forged', names: { uri: [ordersId] }, purposes: ['client', 'server'] } as const
    const { certificate, key } = await openssl.issue(own, 'p256', leaf, root)
    const forged = { chain: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8'), bundle: '' }
    const asked = { by: dragoman.callerWith(forged) }
    expect(await exchange(dragoman, asked, { ...ofX509(forged), ...asEdge })).toEqual(
      refused('credential.chain_untrusted'),
    )
    expect(await exchange(dragoman, asked, { ...ofX509(forged), client_id: ordersId })).toEqual(
      unknownClient('client.credential_invalid'),
    )
  })

  it('a JWT-SVID for somebody else is no subject token', async () => {
    const form = ofJwt(await fetchJwt(agent, 'https://other.test.example'))
    expect(await exchange(dragoman, { by: dragoman.anyone }, { ...asEdge, ...form })).toEqual(
      refused('credential.audience_mismatch'),
    )
  })
})

describe('by bundle endpoints that do not prove what they must', () => {
  let dragoman: BesideSpire
  beforeAll(async () => {
    dragoman = await startBesideSpire(folder, wronglyFederated, documents(wronglyFederated))
    return dragoman.stop
  })

  it.each([
    ['another SPIFFE ID', server],
    ['a certificate of an unknown authority', partner],
  ])('no SVID is judged: %s', async (_, of) => {
    const svid = await mintX509(of, 'billing')
    const unavailable = { status: 503, error: 'temporarily_unavailable', reason: 'keys.unavailable' }
    const asked = { by: dragoman.callerWith(svid) }
    expect(await exchange(dragoman, asked, { ...ofX509(svid), ...asEdge })).toEqual(unavailable)
    const form = ofJwt(await mintJwt(of, 'billing', issuer))
    expect(await exchange(dragoman, asked, { ...form, ...asEdge })).toEqual(unavailable)
  })
})
