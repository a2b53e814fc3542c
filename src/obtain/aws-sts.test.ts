import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner, us } from '../../test/http/egress-world.ts'
import type { Answering, PartnerAnswer } from '../../test/world/recorded-partner.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { loadTrust } from '../trust.ts'
import { awsSts } from './aws-sts.ts'

const roleArn = 'arn:aws:iam::123456789012:role/path/exports'
const policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'

const clientAuth = { method: 'client_secret_basic', clientId: 'us', clientSecret: { file: 'secret' } }

let world: EgressWorld

/** Keys of a role are put on requests by aws-sigv4. */
const signedBy = (name: string, sts: object) =>
  partner(
    name,
    { type: 'aws-sigv4', service: 'execute-api', region: 'eu-west-1', from: { type: 'aws-sts', roleArn, ...sts } },
    { destinations: { hosts: [`${name}.example`] } },
  )

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: { secret: 'the-secret-at-another-issuer' },
    documents: (url) => {
      const usual = { region: 'eu-west-1', endpoint: `${url}/` }
      return [
        signedBy('usual', usual),
        signedBy('narrow', {
          ...usual,
          subject: 'service:exports',
          audience: 'urn:aws',
          sessionName: 'exports@dragoman',
          lifetime: '15m',
          policy,
          policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::123456789012:policy/own'],
        }),
        signedBy('other', {
          ...usual,
          from: { type: 'client-credentials', tokenEndpoint: `${url}/token`, clientAuth },
        }),
      ]
    },
  })
})

beforeEach(() => {
  world.partner.forget()
  world.setTime(world.now() + 86_400)
})

afterAll(async () => world.stop())

const sent = async (name: string, claims: object = {}) => {
  const token = await world.token({ ...claims })
  return world.describe(token, { url: `https://${name}.example/` })
}

const member = (name: string, text: string) => `<${name}>${text}</${name}>`

interface Keys {
  readonly id?: string
  readonly key?: string
  readonly token?: string
  readonly expiration?: string
  readonly more?: string
}

/** The answer of the API reference of AssumeRoleWithWebIdentity. */
const keys = ({
  id = 'ASIAEXAMPLE',
  key = 'wJalrXUtn/+EXAMPLE',
  token = 'AQoD//+=',
  expiration,
  more = '',
}: Keys = {}) => {
  const end = expiration ?? new Date((world.now() + 3_600) * 1_000).toISOString().replace('.000', '')
  const inner = [member('AccessKeyId', id), member('SecretAccessKey', key), member('SessionToken', token)]
  return {
    headers: { 'content-type': 'text/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>user:ada</SubjectFromWebIdentityToken>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/exports/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>
    <Credentials>${inner.join('')}${member('Expiration', end)}</Credentials>${more}
    <Provider>arn:aws:iam::123456789012:oidc-provider/dragoman.example.com</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`,
  }
}

const formAt = (index: number) => world.partner.asked[index]?.form() ?? {}

describe('the request', () => {
  it('is a form, unsigned, with a JWT of ours', async () => {
    world.partner.answer(() => keys())
    expect((await sent('usual')).status).toBe(200)
    const [asked] = world.partner.asked
    const { authorization, accept, 'content-type': type } = asked?.headers ?? {}
    expect([asked?.method, asked?.target, type, accept, authorization]).toEqual([
      'POST',
      '/',
      'application/x-www-form-urlencoded',
      'application/xml',
      undefined,
    ])
    const { WebIdentityToken: jwt = '', RoleSessionName: _, ...form } = formAt(0)
    expect(form).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      DurationSeconds: '3600',
    })
    const published = (await (await fetch(`${world.url}/jwks.json`)).json()) as jose.JSONWebKeySet
    const { payload } = await jose.jwtVerify(jwt, jose.createLocalJWKSet(published), {
      issuer: us,
      audience: 'sts.amazonaws.com',
      subject: 'user:ada',
      currentDate: new Date(world.now() * 1_000),
    })
    expect(payload.exp).toBe(world.now() + 300)
  })

  it('says what the document says', async () => {
    world.partner.answer(() => keys())
    expect((await sent('narrow')).status).toBe(200)
    const { WebIdentityToken: jwt = '', ...form } = formAt(0)
    expect(form).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 'exports@dragoman',
      DurationSeconds: '900',
      Policy: policy,
      'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/ReadOnlyAccess',
      'PolicyArns.member.2.arn': 'arn:aws:iam::123456789012:policy/own',
    })
    expect(jose.decodeJwt(jwt)).toMatchObject({ sub: 'service:exports', aud: 'urn:aws' })
  })

  it('shares the keys among all where nothing of it is the identity', async () => {
    world.partner.answer(() => keys())
    await sent('narrow')
    await sent('narrow', { sub: 'bob' })
    expect(world.partner.asked).toHaveLength(1)
  })

  it('presents the token under from in place of ours', async () => {
    const token = { access_token: 'eyJ.of.another-issuer', token_type: 'Bearer', expires_in: 300 }
    world.partner.answer(({ target }) => (target === '/token' ? { body: token } : keys()))
    expect((await sent('other')).status).toBe(200)
    expect(formAt(1)['WebIdentityToken']).toBe('eyJ.of.another-issuer')
  })
})

describe('the name of the session', () => {
  const nameFor = async (sub: string) => {
    world.partner.forget()
    world.partner.answer(() => keys())
    expect((await sent('usual', { sub })).status).toBe(200)
    return formAt(0)['RoleSessionName'] ?? ''
  }

  it.each([
    ['ada', /^user-ada-[A-Za-z0-9]{16}$/],
    ['a/b c', /^user-a-b-c-[A-Za-z0-9]{16}$/],
    ['ä', /^user---[A-Za-z0-9]{16}$/],
    ['x'.repeat(200), /^user-x{42}-[A-Za-z0-9]{16}$/],
  ])('of %j is one that AWS takes', async (sub, name) => {
    const given = await nameFor(sub)
    expect(given).toMatch(name)
    expect(given).toMatch(/^[\w+=,.@-]{2,64}$/)
  })

  it('is never that of another subject', async () => {
    const subjects = ['a/b', 'a-b', 'a:b', 'a b', `${'x'.repeat(80)}1`, `${'x'.repeat(80)}2`]
    const names = []
    for (const sub of subjects) names.push(await nameFor(sub))
    expect(new Set(names).size).toBe(subjects.length)
  })
})

describe('the keys', () => {
  it('sign, with their session', async () => {
    world.partner.answer(() => keys())
    const { body } = await sent('usual')
    const set = Object.fromEntries((body['set'] ?? []) as [string, string][])
    expect(set['authorization']).toMatch(/Credential=ASIAEXAMPLE\/.*SignedHeaders=host;.*;x-amz-security-token,/)
    expect(set['x-amz-security-token']).toBe('AQoD//+=')
  })

  it('are kept until a few minutes before their end, and no longer', async () => {
    world.partner.answer(() => keys())
    await sent('usual')
    world.partner.answer({ status: 403 })
    world.setTime(world.now() + 3_299)
    expect((await sent('usual')).status).toBe(200)
    world.setTime(world.now() + 62)
    expect((await sent('usual')).status).toBe(502)
  })
})

const error = (code: string) => ({
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>it says eyJ.our.token</Message></Error><RequestId>4f5e</RequestId></ErrorResponse>`,
})

describe('an answer is refused', () => {
  const refused = async (answer: PartnerAnswer | Answering) => {
    world.partner.answer(answer)
    const { status } = await sent('usual')
    const { outcome } = world.traces.at(-1) ?? {}
    return [status, world.reason(), outcome?.granted === false ? outcome.detail : undefined]
  }

  it.each([
    [{ status: 403, ...error('AccessDenied') }, 'STS answers with status 403: AccessDenied'],
    [{ status: 400, ...error('InvalidIdentityToken') }, 'STS answers with status 400: InvalidIdentityToken'],
    [{ status: 400, ...error('it says eyJ.our.token') }, 'STS answers with status 400'],
    [{ status: 400, ...error(' ExpiredTokenException\n') }, 'STS answers with status 400: ExpiredTokenException'],
    [{ status: 400, body: '<ErrorResponse><Error/></ErrorResponse>' }, 'STS answers with status 400'],
    [{ status: 404, body: '<!DOCTYPE html><html/>' }, 'STS answers with status 404'],
  ])('as a refusal: %j', async (answer, detail) => {
    expect(await refused(answer)).toEqual([502, 'partner.refused', detail])
  })

  it('as one about us where it is 401', async () => {
    expect(await refused({ status: 401, body: { error: 'invalid' } })).toEqual([
      502,
      'partner.unauthenticated',
      'STS answers with status 401',
    ])
  })

  it.each(['IDPCommunicationError', 'Throttling', 'RequestLimitExceeded'])('as an outage: %s', async (code) => {
    expect(await refused({ status: 400, ...error(code) })).toEqual([503, 'partner.unavailable', `STS answers: ${code}`])
    expect(world.partner.asked).toHaveLength(3)
  })

  const response = (inner: string) =>
    `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>${inner}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
  const noKeys = 'STS does not answer with credentials'

  it.each([
    ['nothing', { body: '' }, noKeys],
    ['an empty object', { body: {} }, noKeys],
    ['HTML', { body: '<html><body>hello</body></html>' }, noKeys],
    ['an error with status 200', error('AccessDenied'), noKeys],
    ['another action', { body: keysOf('AssumeRoleResponse') }, noKeys],
    ['an entity of its own', { body: '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>' }, noKeys],
    ['a processing instruction', { body: `<?php x?>${keysOf('AssumeRoleWithWebIdentityResponse')}` }, noKeys],
    ['markup that never ends', { body: '<AssumeRoleWithWebIdentityResponse>' }, noKeys],
    ['elements without end', { body: response('<a/>'.repeat(200)) }, noKeys],
    ['a deep tree', { body: `${'<a>'.repeat(30)}${'</a>'.repeat(30)}` }, noKeys],
    ['empty keys', { body: response('<Credentials/>') }, 'STS answers without Expiration'],
    [
      'two ends',
      { body: response(`<Credentials>${'<Expiration>2030-01-01T00:00:00Z</Expiration>'.repeat(2)}</Credentials>`) },
      'STS answers without Expiration',
    ],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }, undefined],
    ['ten megabytes', { body: 'x'.repeat(10_485_760) }, undefined],
  ])('as not to be understood: %s', async (_, answer, detail) => {
    expect(await refused(answer)).toEqual([502, 'partner.invalid_answer', detail ?? expect.any(String)])
  })

  it('as not to be understood: bytes that are not UTF-8', async () => {
    const answering: Answering = (_, reply) => {
      reply.end(Buffer.from(keys().body.replace('user:ada', 'user:\xff'), 'latin1'))
      return undefined
    }
    expect(await refused(answering)).toEqual([502, 'partner.invalid_answer', noKeys])
  })

  it.each([
    [{ id: 'AS&#13;&#10;x-evil: 1' }, 'AccessKeyId is not a token of visible characters'],
    [{ key: '' }, 'SecretAccessKey is not a token of visible characters'],
    [{ token: 'ü' }, 'SessionToken is not a token of visible characters'],
    [{ token: '<b>x</b>' }, /^STS: /],
    [{ expiration: 'tomorrow' }, 'Expiration is not a time'],
    [{ expiration: '3600' }, 'Expiration is not a time'],
    [{ expiration: '-1' }, 'Expiration is not a time'],
    [{ expiration: '2020-01-01T00:00:00Z' }, 'what the partner gives has ended already'],
    [{ expiration: '9999-12-31T23:59:59Z' }, 'Expiration is years away'],
    [{ expiration: '2030-01-01T00:00:00Z' }, 'Expiration is later than any that AWS gives'],
    [{ more: '<Credentials><AccessKeyId>B</AccessKeyId></Credentials>' }, noKeys],
  ])('with keys such as %j', async (changes, detail) => {
    const [status, reason, said] = await refused(keys(changes))
    expect([status, reason]).toEqual([502, 'partner.invalid_answer'])
    expect(said).toEqual(typeof detail === 'string' ? detail : expect.stringMatching(detail))
  })
})

function keysOf(root: string): string {
  return `<${root}><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>C</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></${root}>`
}

describe('the endpoint', () => {
  it.each([
    ['eu-west-1', 'https://sts.eu-west-1.amazonaws.com/'],
    ['us-gov-west-1', 'https://sts.us-gov-west-1.amazonaws.com/'],
    ['cn-north-1', 'https://sts.cn-north-1.amazonaws.com.cn/'],
    ['eusc-de-east-1', 'https://sts.eusc-de-east-1.amazonaws.eu/'],
  ])('of %s', (region, url) => {
    const config = { type: 'aws-sts', region, roleArn, audience: 'a', lifetime: 3_600, policyArns: [] }
    expect(awsSts.endpoints(config)).toEqual([{ at: ['endpoint'], url }])
  })
})

describe('when documents are loaded', () => {
  const faultsOf = async (changes: object) => {
    const text = JSON.stringify(signedBy('one', { region: 'eu-west-1', ...changes }))
    const options = { world: 'serve', insecureLoopback: false, digest: createNodeDigest() } as const
    const { faults } = await loadTrust([{ name: '0.yaml', text }], options)
    return faults.map(({ path, message }) => `${path.replace('spec.credential.from.', '')}: ${message}`)
  }

  it.each([
    [{}, []],
    [{ region: 'eu-west-1.evil.example/' }, ['region: a region such as eu-west-1']],
    [{ roleArn: 'arn:aws:iam::1:role/x' }, ['roleArn: the ARN of a role']],
    [{ sessionName: 'a b' }, ['sessionName: letters, digits and _+=,.@-, 2 to 64']],
    [{ lifetime: '10m' }, ['lifetime: between 15m and 12h']],
    [{ endpoint: 'http://sts.example/' }, ['endpoint: must be https: secrets go there']],
  ])('%j', async (changes, faults) => {
    expect(await faultsOf(changes)).toEqual(faults)
  })
})
