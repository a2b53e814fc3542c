import { generateKeyPairSync } from 'node:crypto'
import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner } from '../../test/http/egress-world.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const small = generateKeyPairSync('rsa', { modulusLength: 1_024 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = ({ privateKey }: typeof rsa) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const at = (host: string) => ({ destinations: { hosts: [host] } })
const encrypted = rsa.privateKey
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' })
  .toString()

const unusable = ['password', 'encrypted', 'ec', 'small'] as const

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: {
      rsa: pem(rsa),
      ec: pem(ec),
      small: pem(small),
      encrypted,
      password: 'correct horse battery staple',
      client: 'the-secret',
    },
    documents: (url) => {
      const kind = { type: 'jwt-bearer', tokenEndpoint: `${url}/token` }
      const assertion = { issuer: 'client', subject: 'svc', key: { file: 'rsa' } }
      return [
        partner(
          'full',
          {
            ...kind,
            clientAuth: { method: 'client_secret_post', clientId: 'c', clientSecret: { file: 'client' } },
            scopes: ['read', 'write'],
            audience: 'https://api.partner.example',
            resource: ['https://a.example', 'https://b.example'],
            params: { tenant: 't' },
            assertion: {
              issuer: 'client',
              subject: { identity: 'staff', prefix: 'staff/' },
              audience: 'https://as.partner.example',
              key: { file: 'ec' },
              algorithm: 'ES256',
              keyId: 'k',
              ttl: '2m',
              claims: { org: { id: 7 } },
            },
          },
          at('full.example'),
        ),
        partner(
          'hidden',
          {
            ...kind,
            assertion: { ...assertion, subject: { identity: 'email' } },
          },
          at('hidden.example'),
        ),
        partner('odd', { ...kind, assertion: { ...assertion, subject: { identity: 'toString' } } }, at('odd.example')),
        partner('salesforce', { ...kind, preset: 'salesforce', assertion }, at('salesforce.example')),
        partner(
          'from',
          { ...kind, from: { type: 'signed-jwt', issuer: 'client', key: { file: 'rsa' } } },
          at('from.example'),
        ),
        partner('from-key', { ...kind, from: { type: 'api-key', value: { file: 'client' } } }, at('from-key.example')),
        ...unusable.map((file) =>
          partner(file, { ...kind, assertion: { ...assertion, key: { file } } }, at(`${file}.example`)),
        ),
      ]
    },
  })
})

beforeEach(() => {
  world.partner.forget()
  world.partner.answer({ body: { access_token: 'partner-token', expires_in: 600, token_type: 'Bearer' } })
  world.setTime(world.now() + 86_400)
})

afterAll(async () => world.stop())

const sent = async (host: string, claims: object = {}) =>
  world.describe(await world.token({ ...claims }), { url: `https://${host}/` })

const currentDate = () => new Date(world.now() * 1_000)

describe('jwt-bearer', () => {
  it('asks with everything that the document says, once each', async () => {
    expect((await sent('full.example', { staff: 'a7' })).body['set']).toEqual([
      ['authorization', 'Bearer partner-token'],
    ])
    const [asked] = world.partner.asked
    expect(asked).toMatchObject({ method: 'POST', target: '/token' })
    expect(asked?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/)
    const form = new URLSearchParams(asked?.body)
    const jwt = form.get('assertion') ?? ''
    form.delete('assertion')
    expect([...form].toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))).toEqual([
      ['audience', 'https://api.partner.example'],
      ['client_id', 'c'],
      ['client_secret', 'the-secret'],
      ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      ['resource', 'https://a.example'],
      ['resource', 'https://b.example'],
      ['scope', 'read write'],
      ['tenant', 't'],
    ])
    const { payload, protectedHeader } = await jose.jwtVerify(jwt, ec.publicKey, { currentDate: currentDate() })
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'k' })
    expect(payload).toEqual({
      iss: 'client',
      sub: 'staff/a7',
      aud: 'https://as.partner.example',
      org: { id: 7 },
      iat: world.now(),
      exp: world.now() + 120,
      jti: expect.any(String),
    })
  })

  it('never presents one assertion twice', async () => {
    await sent('full.example', { staff: 'a7' })
    await sent('full.example', { staff: 'a8' })
    const ids = world.partner.asked.map(({ body }) => {
      const { jti } = jose.decodeJwt(new URLSearchParams(body).get('assertion') ?? '')
      return jti
    })
    expect(new Set(ids).size).toBe(2)
  })

  it.each([
    ['an attribute that is not there', 'full.example', {}],
    ['an attribute that is no text', 'full.example', { staff: 7 }],
    ['an attribute that is empty', 'full.example', { staff: '' }],
    ['an attribute of a kind that may not leave', 'hidden.example', { email: 'ada@acme.example' }],
    ['what every object has', 'odd.example', {}],
  ])('says nothing where the subject is %s', async (_, host, claims) => {
    const { status, body } = await sent(host, claims)
    expect([status, world.reason()]).toEqual([403, 'identity.invalid'])
    expect(world.partner.asked).toHaveLength(0)
    expect(JSON.stringify(body)).not.toContain('ada@acme')
  })

  it('presents what `from` yields as the assertion', async () => {
    expect((await sent('from.example')).status).toBe(200)
    const { assertion = '', ...form } = world.partner.asked[0]?.form() ?? {}
    expect(form).toEqual({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' })
    const { payload } = await jose.jwtVerify(assertion, rsa.publicKey, { currentDate: currentDate() })
    expect(payload).toMatchObject({ iss: 'client', sub: 'client' })
  })

  it('presents nothing where `from` yields no token', async () => {
    expect([(await sent('from-key.example')).status, world.reason()]).toEqual([502, 'partner.invalid_answer'])
    expect(world.partner.asked).toHaveLength(0)
  })

  it.each(unusable)('refuses a secret that is no key for the algorithm, and says nothing of it: %s', async (file) => {
    const { status, body } = await sent(`${file}.example`)
    expect([status, world.reason()]).toEqual([503, 'secret.unavailable'])
    expect(world.partner.asked).toHaveLength(0)
    const said = JSON.stringify([body, world.traces.at(-1)])
    expect(said).not.toMatch(/horse|BEGIN|MII/)
  })

  it.each([
    ['without the instance', { instance_url: undefined }],
    ['with an instance that breaks the line', { instance_url: 'https://a.example\r\nx: y' }],
    ['with an instance that is no text', { instance_url: { a: 1 } }],
    ['with a token that breaks the line', { access_token: 'a\r\nx: y' }],
  ])('of Salesforce refuses an answer %s', async (_, more) => {
    const body = { access_token: 't', token_type: 'Bearer', instance_url: 'https://acme.my.salesforce.com', ...more }
    world.partner.answer({ body })
    expect([(await sent('salesforce.example')).status, world.reason()]).toEqual([502, 'partner.invalid_answer'])
  })

  it('of Salesforce names the error and not its description', async () => {
    world.partner.answer({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'user svc has not approved' },
    })
    expect([(await sent('salesforce.example')).status, world.reason()]).toEqual([502, 'partner.refused'])
    const { outcome } = world.traces.at(-1) ?? {}
    expect(outcome).toMatchObject({ detail: expect.stringMatching(/status 400: invalid_grant$/) })
  })
})
