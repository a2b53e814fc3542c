import { createHash, createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { DOMParser, XMLSerializer } from '@xmldom/xmldom'
import * as jose from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SignedXml } from 'xml-crypto'
import { pemOf, testCertificate } from '../world/certificates.ts'
import { type EgressWorld, openEgressWorld, orders, partner, us } from './egress-world.ts'

/** Kinds of one vendor or another: what each documents, to the letter. */

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const pkcs8 = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ecPem = ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const hmacKey = Buffer.from('a key of thirty-two octets, more').toString('base64')
const certificate = testCertificate()

const at = (host: string) => ({ destinations: { hosts: [host] } })
const roleArn = 'arn:aws:iam::123456789012:role/exports'
const provider = '//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/dragoman'

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    audiences: ['urn:dragoman:partner:*', 'https://other.internal.example'],
    secrets: {
      pkcs8,
      pkcs1,
      ec: ecPem,
      hmac: hmacKey,
      password: 'pässword',
      aws: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    },
    files: { 'saml.pem': pemOf(certificate.der) },
    documents: (url) => [
      partner(
        'salesforce',
        {
          type: 'jwt-bearer',
          preset: 'salesforce',
          tokenEndpoint: `${url}/services/oauth2/token`,
          assertion: {
            issuer: '3MVG9consumerkey',
            subject: 'integration@acme.example',
            audience: 'https://login.salesforce.com',
            key: { file: 'pkcs8' },
          },
        },
        {
          ...at('acme.my.salesforce.com'),
          inject: {
            headers: [
              { name: 'Authorization', prefix: 'Bearer ', from: 'access_token' },
              { name: 'X-Instance', from: 'instance_url' },
            ],
          },
        },
      ),
      partner(
        'google',
        {
          type: 'jwt-bearer',
          preset: 'google-service-account',
          tokenEndpoint: `${url}/token`,
          scopes: ['https://www.googleapis.com/auth/bigquery', 'https://www.googleapis.com/auth/drive'],
          assertion: {
            issuer: 'robot@acme.iam.gserviceaccount.com',
            subject: { identity: 'email' },
            key: { file: 'pkcs8' },
            keyId: 'k1',
          },
        },
        { ...at('bigquery.googleapis.com'), release: ['public', 'internal', 'pii'] },
      ),
      partner(
        'docusign',
        {
          type: 'jwt-bearer',
          preset: 'docusign',
          tokenEndpoint: `${url}/oauth/token`,
          scopes: ['signature', 'impersonation'],
          assertion: {
            issuer: 'integration-key',
            subject: '0f5a-user-guid',
            audience: 'account.docusign.com',
            key: { file: 'pkcs1' },
          },
        },
        at('eu.docusign.net'),
      ),
      partner(
        'keyless',
        {
          type: 'jwt-bearer',
          tokenEndpoint: `${url}/token`,
          assertion: { subject: { identity: 'subject' }, audience: 'https://as.partner.example' },
        },
        at('keyless.example'),
      ),
      partner(
        'successfactors',
        {
          type: 'saml-bearer',
          tokenEndpoint: `${url}/oauth/token`,
          encoding: 'base64',
          clientAuth: { method: 'none', clientId: 'the-api-key' },
          params: { company_id: 'acme' },
          assertion: {
            issuer: 'dragoman.acme.example',
            subject: { identity: 'subject' },
            audience: 'www.successfactors.com',
            key: { file: 'pkcs8' },
            certificate: 'saml.pem',
            attributes: { api_key: 'the-api-key', odd: '<&"\r\n\t>' },
          },
        },
        at('api4.successfactors.com'),
      ),
      partner(
        'snowflake',
        {
          type: 'signed-jwt',
          preset: 'snowflake',
          account: 'myorg-account123.eu-west-1',
          user: 'svc_dragoman',
          key: { file: 'pkcs8' },
        },
        at('myorg-account123.snowflakecomputing.com'),
      ),
      partner(
        'github',
        {
          type: 'github-app',
          api: url,
          app: 'Iv23liAbCd',
          installation: '12345678',
          key: { file: 'pkcs1' },
          repositories: ['orders'],
          permissions: { contents: 'read' },
        },
        at('api.github.com'),
      ),
      partner(
        'gcp',
        {
          type: 'google-sts',
          provider,
          subject: { identity: 'subject' },
          stsEndpoint: `${url}/v1/token`,
          iamEndpoint: url,
          serviceAccount: 'exports@acme.iam.gserviceaccount.com',
        },
        at('storage.googleapis.com'),
      ),
      partner('basic', { type: 'basic', username: 'svc', password: { file: 'password' } }, at('basic.example')),
      partner('other', { type: 'self' }, { ...at('other.example'), audience: 'https://other.internal.example' }),
      partner(
        's3',
        {
          type: 'aws-sigv4',
          service: 's3',
          region: 'eu-west-1',
          from: { type: 'aws-sts', region: 'eu-west-1', roleArn, endpoint: `${url}/sts` },
        },
        at('exports.s3.eu-west-1.amazonaws.com'),
      ),
      partner(
        'aws-static',
        {
          type: 'aws-sigv4',
          service: 'iam',
          region: 'us-east-1',
          accessKeyId: 'AKIDEXAMPLE',
          secretAccessKey: { file: 'aws' },
        },
        at('iam.amazonaws.com'),
      ),
      partner('signed', { type: 'http-signature', keyId: 'ours', key: { file: 'ec' } }, at('signed.example')),
      partner(
        'signed-hmac',
        {
          type: 'http-signature',
          algorithm: 'hmac-sha256',
          keyId: 'h',
          key: { file: 'hmac' },
          ttl: '1m',
          components: ['@method', '@target-uri', 'content-type'],
          namesAlgorithm: false,
          tag: 'app',
        },
        at('hmac.example'),
      ),
    ],
  })
})

beforeEach(() => {
  world.partner.forget()
  world.partner.answer({ status: 500 })
  world.setTime(world.now() + 86_400)
})

afterAll(async () => world.stop())

const sent = async (host: string, changes: object = {}, claims: object = {}) => {
  const token = await world.token({ ...claims })
  return world.describe(token, { url: `https://${host}/v1`, ...changes })
}

const setIn = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) =>
  Object.fromEntries((body['set'] ?? []) as [string, string][])

const assertionIn = async (index: number) => {
  const form = world.partner.asked[index]?.form() ?? {}
  expect(form['grant_type']).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
  return jose.jwtVerify(form['assertion'] ?? '', rsa.publicKey, { currentDate: new Date(world.now() * 1_000) })
}

const currentKeys = async () =>
  jose.createLocalJWKSet((await (await fetch(`${world.url}/jwks.json`)).json()) as jose.JSONWebKeySet)

describe('jwt-bearer', () => {
  it('for Salesforce: three minutes, no expires_in, kept for a quarter of an hour, and the instance beside', async () => {
    world.partner.answer({
      body: {
        access_token: '00Dxx!token',
        instance_url: 'https://acme.my.salesforce.com',
        id: 'https://login.salesforce.com/id/00D/005',
        token_type: 'Bearer',
        scope: 'api',
      },
    })
    const answer = await sent('acme.my.salesforce.com')
    expect(setIn(answer)).toEqual({
      authorization: 'Bearer 00Dxx!token',
      'x-instance': 'https://acme.my.salesforce.com',
    })
    const { payload, protectedHeader } = await assertionIn(0)
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(payload).toMatchObject({
      iss: '3MVG9consumerkey',
      sub: 'integration@acme.example',
      aud: 'https://login.salesforce.com',
      exp: world.now() + 120,
    })
    expect(Object.keys(world.partner.asked[0]?.form() ?? {}).toSorted()).toEqual(['assertion', 'grant_type'])
    expect(Date.parse(String(answer.body['expires_at'])) / 1_000).toBe(world.now() + 900)
  })

  it('for a Google service account: the scopes stand in the assertion, and whom it acts for', async () => {
    world.partner.answer({ body: { access_token: 'ya29.token', expires_in: 3_599, token_type: 'Bearer' } })
    expect(setIn(await sent('bigquery.googleapis.com', {}, { email: 'ada@acme.example' }))).toEqual({
      authorization: 'Bearer ya29.token',
    })
    const { payload, protectedHeader } = await assertionIn(0)
    expect(protectedHeader.kid).toBe('k1')
    expect(payload).toMatchObject({
      iss: 'robot@acme.iam.gserviceaccount.com',
      sub: 'ada@acme.example',
      aud: `${world.partner.url}/token`,
      scope: 'https://www.googleapis.com/auth/bigquery https://www.googleapis.com/auth/drive',
      iat: world.now(),
      exp: world.now() + 3_600,
    })
    expect(Object.keys(world.partner.asked[0]?.form() ?? {}).toSorted()).toEqual(['assertion', 'grant_type'])
  })

  it('says of the identity nothing that it does not have', async () => {
    expect([(await sent('bigquery.googleapis.com')).status, world.reason()]).toEqual([403, 'identity.invalid'])
    expect(world.partner.asked).toHaveLength(0)
  })

  it('for DocuSign: the audience without scheme, and its own word for missing consent', async () => {
    world.partner.answer({ status: 400, body: { error: 'consent_required' } })
    expect([(await sent('eu.docusign.net')).status, world.reason()]).toEqual([502, 'partner.refused'])
    expect(world.traces.at(-1)?.outcome).toMatchObject({
      detail: expect.stringMatching(/status 400: consent_required$/),
    })
    const { payload } = await assertionIn(0)
    expect(payload).toMatchObject({
      iss: 'integration-key',
      sub: '0f5a-user-guid',
      aud: 'account.docusign.com',
      scope: 'signature impersonation',
    })
  })

  it('keyless: our own issuer is the identity', async () => {
    world.partner.answer({ body: { access_token: 't', expires_in: 60, token_type: 'Bearer' } })
    await sent('keyless.example')
    await jose.jwtVerify(world.partner.asked[0]?.form()['assertion'] ?? '', await currentKeys(), {
      issuer: us,
      subject: 'user:ada',
      audience: 'https://as.partner.example',
      currentDate: new Date(world.now() * 1_000),
    })
  })
})

describe('saml-bearer', () => {
  it('presents an assertion that another implementation finds well signed', async () => {
    world.partner.answer({ body: { access_token: 'sf-token', expires_in: 86_400, token_type: 'Bearer' } })
    expect(setIn(await sent('api4.successfactors.com'))).toEqual({ authorization: 'Bearer sf-token' })
    const { assertion = '', ...form } = world.partner.asked[0]?.form() ?? {}
    expect(form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:saml2-bearer',
      company_id: 'acme',
      client_id: 'the-api-key',
    })
    const xml = Buffer.from(assertion, 'base64').toString()
    expect(Buffer.from(xml).toString('base64')).toBe(assertion)
    const document = new DOMParser().parseFromString(xml, 'text/xml')
    const [signature] = Array.from(document.getElementsByTagNameNS('http://www.w3.org/2000/09/xmldsig#', 'Signature'))
    const check = new SignedXml({
      publicCert: rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      getCertFromKeyInfo: () => null,
    })
    check.loadSignature(new XMLSerializer().serializeToString(signature ?? document))
    expect(check.checkSignature(xml)).toBe(true)
    const texts = (name: string) =>
      Array.from(document.getElementsByTagNameNS('urn:oasis:names:tc:SAML:2.0:assertion', name)).map(
        ({ textContent }) => textContent,
      )
    expect(texts('Issuer')).toEqual(['dragoman.acme.example'])
    expect(texts('NameID')).toEqual(['user:ada'])
    expect(texts('Audience')).toEqual(['www.successfactors.com'])
    expect(texts('AttributeValue')).toEqual(['the-api-key', '<&"\r\n\t>'])
    expect(xml).toContain(`Recipient="${world.partner.url}/oauth/token"`)
    expect(xml).toContain(Buffer.from(certificate.der).toString('base64'))
  })
})

describe('signed-jwt', () => {
  it('for Snowflake: names in capitals without the region, and the fingerprint of the key', async () => {
    const answer = setIn(await sent('myorg-account123.snowflakecomputing.com'))
    expect(answer['x-snowflake-authorization-token-type']).toBe('KEYPAIR_JWT')
    const fingerprint = createHash('sha256')
      .update(rsa.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64')
    const { payload } = await jose.jwtVerify((answer['authorization'] ?? '').replace('Bearer ', ''), rsa.publicKey, {
      currentDate: new Date(world.now() * 1_000),
    })
    expect(payload).toEqual({
      iss: `MYORG-ACCOUNT123.SVC_DRAGOMAN.SHA256:${fingerprint}`,
      sub: 'MYORG-ACCOUNT123.SVC_DRAGOMAN',
      iat: world.now(),
      exp: world.now() + 3_540,
    })
    expect(world.partner.asked).toHaveLength(0)
  })
})

describe('github-app', () => {
  it('exchanges a JWT of the app for a token of the installation', async () => {
    world.partner.answer(() => ({
      status: 201,
      body: {
        token: 'ghs_16C7e42F292c6912E7710c838347Ae178B4a',
        expires_at: new Date((world.now() + 3_600) * 1_000).toISOString().replace('.000', ''),
        permissions: { contents: 'read' },
        repository_selection: 'selected',
      },
    }))
    expect(setIn(await sent('api.github.com'))).toEqual({
      authorization: 'Bearer ghs_16C7e42F292c6912E7710c838347Ae178B4a',
    })
    const [asked] = world.partner.asked
    expect(asked).toMatchObject({ method: 'POST', target: '/app/installations/12345678/access_tokens' })
    expect(asked?.headers).toMatchObject({
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    })
    expect(asked?.json()).toEqual({ repositories: ['orders'], permissions: { contents: 'read' } })
    const jwt = (asked?.headers['authorization'] ?? '').replace('Bearer ', '')
    const { payload } = await jose.jwtVerify(jwt, rsa.publicKey, { currentDate: new Date(world.now() * 1_000) })
    expect(payload).toEqual({ iss: 'Iv23liAbCd', iat: world.now() - 60, exp: world.now() + 540 })
  })

  it.each([
    [{ status: 201, body: { token: 'ghs_x', expires_at: 'soon' } }, 'partner.invalid_answer'],
    [{ status: 201, body: { token: 'ghs_x\r\nx: y', expires_at: '2030-01-01T00:00:00Z' } }, 'partner.invalid_answer'],
    [{ status: 201, body: { token: 'ghs_x', expires_at: '2020-01-01T00:00:00Z' } }, 'partner.invalid_answer'],
    [{ status: 404, body: { message: 'Not Found' } }, 'partner.refused'],
  ])('refuses %j', async (answer, reason) => {
    world.partner.answer(answer)
    expect([(await sent('api.github.com')).status, world.reason()]).toEqual([502, reason])
  })
})

describe('google-sts', () => {
  it('federates, then takes on the service account; each step is kept by itself', async () => {
    let round = 0
    world.partner.answer(({ target }) =>
      target === '/v1/token'
        ? {
            body: {
              access_token: 'federated',
              issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
              token_type: 'Bearer',
              expires_in: 3_599,
            },
          }
        : { body: { accessToken: `ya29.${++round}`, expireTime: new Date((world.now() + 600) * 1_000).toISOString() } },
    )
    expect(setIn(await sent('storage.googleapis.com'))).toEqual({ authorization: 'Bearer ya29.1' })
    world.setTime(world.now() + 600)
    expect(setIn(await sent('storage.googleapis.com'))).toEqual({ authorization: 'Bearer ya29.2' })
    const targets = world.partner.asked.map(({ target }) => target)
    const generate = '/v1/projects/-/serviceAccounts/exports@acme.iam.gserviceaccount.com:generateAccessToken'
    expect(targets).toEqual(['/v1/token', generate, generate])
    const { subject_token: subjectToken = '', ...form } = world.partner.asked[0]?.form() ?? {}
    expect(form).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: provider,
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    })
    expect(jose.decodeJwt(subjectToken)).toMatchObject({ iss: us, sub: 'user:ada', aud: `https:${provider}` })
    expect(world.partner.asked[1]?.headers['authorization']).toBe('Bearer federated')
    expect(world.partner.asked[1]?.json()).toEqual({
      scope: ['https://www.googleapis.com/auth/cloud-platform'],
      lifetime: '3600s',
    })
  })
})

describe('basic and self', () => {
  it('writes user and password in UTF-8', async () => {
    const credentials = Buffer.from('svc:pässword').toString('base64')
    expect(setIn(await sent('basic.example'))).toEqual({ authorization: `Basic ${credentials}` })
  })

  it('makes a token of ours for another audience, in the same transaction', async () => {
    const token = await world.token()
    const answer = await world.describe(token, { url: 'https://other.example/' })
    const own = (setIn(answer)['authorization'] ?? '').replace('Bearer ', '')
    const { payload } = await jose.jwtVerify(own, await currentKeys(), {
      issuer: us,
      audience: 'https://other.internal.example',
      typ: 'at+jwt',
      currentDate: new Date(world.now() * 1_000),
    })
    expect(payload).toMatchObject({ sub: 'user:ada', txn: jose.decodeJwt(token)['txn'], act: { client_id: 'egress' } })
    const exchanged = await world.exchange(token, { audience: 'https://other.internal.example' })
    expect(exchanged.body).toMatchObject({
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    expect(orders).not.toBe(payload.aud)
  })
})

const stsAnswer = (now: number, more = '') => ({
  headers: { 'content-type': 'text/xml' },
  body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>user:ada</SubjectFromWebIdentityToken><Audience>sts.amazonaws.com</Audience><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/exports/x</Arn><AssumedRoleId>AROACLKWSDQRAOEXAMPLE:x</AssumedRoleId></AssumedRoleUser><Credentials><SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken><SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey><Expiration>${new Date((now + 3_600) * 1_000).toISOString()}</Expiration><AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId></Credentials>${more}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
})

/** AWS Signature Version 4 from its specification, as an independent judge. */
const sigV4 = (options: {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly service: string
  readonly region: string
  readonly secret: string
}): string => {
  const { method, path, query, headers, service, region, secret } = options
  const names = Object.keys(headers).toSorted()
  const canonical = [
    method,
    path,
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'] ?? '',
  ].join('\n')
  const long = headers['x-amz-date'] ?? ''
  const short = long.slice(0, 8)
  const scope = `${short}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', long, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const key = [short, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`))
  return createHmac('sha256', key).update(toSign).digest('hex')
}

const empty = createHash('sha256').update('').digest('hex')

describe('aws', () => {
  it('takes on a role with a JWT of ours, and signs with its keys', async () => {
    world.partner.answer(() => stsAnswer(world.now()))
    const content = createHash('sha256').update('a,b\n').digest('hex')
    const answer = await sent('exports.s3.eu-west-1.amazonaws.com', {
      method: 'PUT',
      url: 'https://exports.s3.eu-west-1.amazonaws.com/a%20b/(c)~d?x=1&a=%2F',
      headers: { authorization: `Bearer ${await world.token()}`, 'content-type': 'text/csv' },
      content_sha256: content,
    })
    expect(answer.status).toBe(200)
    const { WebIdentityToken: webIdentity = '', ...form } = world.partner.asked[0]?.form() ?? {}
    expect(form).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: expect.stringMatching(/^user-ada-[A-Za-z0-9]{16}$/),
      DurationSeconds: '3600',
    })
    expect(jose.decodeJwt(webIdentity)).toMatchObject({ iss: us, sub: 'user:ada', aud: 'sts.amazonaws.com' })
    expect(world.partner.asked[0]?.headers['authorization']).toBeUndefined()
    const set = setIn(answer)
    const signature = sigV4({
      method: 'PUT',
      path: '/a%20b/%28c%29~d',
      query: 'a=%2F&x=1',
      headers: {
        'content-type': 'text/csv',
        host: 'exports.s3.eu-west-1.amazonaws.com',
        'x-amz-content-sha256': content,
        'x-amz-date': set['x-amz-date'] ?? '',
        'x-amz-security-token': 'AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE',
      },
      service: 's3',
      region: 'eu-west-1',
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY',
    })
    expect(set['authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=ASgeIAIOSFODNN7EXAMPLE/${(set['x-amz-date'] ?? '').slice(0, 8)}/eu-west-1/s3/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=${signature}`,
    )
    expect(answer.body).toMatchObject({
      cacheable: false,
      bound_to: ['method', 'url', 'headers', 'content_sha256'],
      expires_at: new Date((world.now() + 900) * 1_000).toISOString(),
    })
  })

  it('keeps the keys of a role, and never a signature', async () => {
    world.partner.answer(() => stsAnswer(world.now()))
    const first = setIn(await sent('exports.s3.eu-west-1.amazonaws.com'))
    world.setTime(world.now() + 60)
    const second = setIn(await sent('exports.s3.eu-west-1.amazonaws.com'))
    expect(world.partner.asked).toHaveLength(1)
    expect(second['x-amz-content-sha256']).toBe(empty)
    expect(second['authorization']).not.toBe(first['authorization'])
    await sent('exports.s3.eu-west-1.amazonaws.com', {}, { sub: 'bob' })
    expect(world.partner.asked).toHaveLength(2)
  })

  it('signs with the keys of a user, the path escaped twice where it is not s3', async () => {
    const answer = setIn(
      await sent('iam.amazonaws.com', { url: 'https://iam.amazonaws.com/a%20b?Version=2010-05-08&Action=ListUsers' }),
    )
    const signature = sigV4({
      method: 'GET',
      path: '/a%2520b',
      query: 'Action=ListUsers&Version=2010-05-08',
      headers: { host: 'iam.amazonaws.com', 'x-amz-content-sha256': empty, 'x-amz-date': answer['x-amz-date'] ?? '' },
      service: 'iam',
      region: 'us-east-1',
      secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    })
    expect(answer['authorization']).toContain(`Signature=${signature}`)
    expect(answer['x-amz-security-token']).toBeUndefined()
  })

  it.each([
    [{ method: 'POST' }, 'a POST is signed with the SHA-256 of its content'],
    [{ url: 'https://iam.amazonaws.com/?a=b+c' }, 'a plus sign in a query'],
    [{ content_sha256: 'UNSIGNED-PAYLOAD', method: 'POST' }, 'content that is not covered'],
  ])('refuses %j', async (changes, detail) => {
    expect([(await sent('iam.amazonaws.com', changes)).status, world.reason()]).toEqual([403, 'partner.not_carriable'])
    expect(world.traces.at(-1)?.outcome).toMatchObject({ detail: expect.stringContaining(detail) })
  })

  const error = (code: string) =>
    `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>No OpenIDConnect provider found</Message></Error><RequestId>4f5e</RequestId></ErrorResponse>`

  it.each([
    ['an identity that the role does not trust', { status: 403, body: error('AccessDenied') }, 502, 'partner.refused'],
    [
      'that our issuer cannot be reached',
      { status: 400, body: error('IDPCommunicationError') },
      503,
      'partner.unavailable',
    ],
    ['HTML', { status: 200, body: '<html><body>hello</body></html>' }, 502, 'partner.invalid_answer'],
    [
      'a document type with an entity',
      { status: 200, body: '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>' },
      502,
      'partner.invalid_answer',
    ],
    [
      'two sets of keys',
      stsAnswer(1_790_000_000, '<Credentials><AccessKeyId>b</AccessKeyId></Credentials>'),
      502,
      'partner.invalid_answer',
    ],
  ])('refuses %s', async (_, answer, status, reason) => {
    world.partner.answer(answer)
    expect([(await sent('exports.s3.eu-west-1.amazonaws.com')).status, world.reason()]).toEqual([status, reason])
  })
})

describe('http-signature', () => {
  it('signs method, authority, path, query and content', async () => {
    const content = createHash('sha256').update('{"hello": "world"}').digest()
    const answer = await sent('signed.example', {
      method: 'POST',
      url: 'https://signed.example/foo?a=1',
      content_sha256: content.toString('hex'),
    })
    const set = setIn(answer)
    const parameters = `("@method" "@authority" "@path" "@query" "content-digest");created=${world.now()};keyid="ours";alg="ecdsa-p256-sha256"`
    expect(set['content-digest']).toBe(`sha-256=:${content.toString('base64')}:`)
    expect(set['signature-input']).toBe(`sig1=${parameters}`)
    const base = [
      '"@method": POST',
      '"@authority": signed.example',
      '"@path": /foo',
      '"@query": ?a=1',
      `"content-digest": ${set['content-digest']}`,
      `"@signature-params": ${parameters}`,
    ].join('\n')
    const signature = Buffer.from((set['signature'] ?? '').replace(/^sig1=:(.*):$/, '$1'), 'base64')
    const key = createPublicKey(ec.privateKey)
    expect(verify('sha256', Buffer.from(base), { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
    expect(answer.body).toMatchObject({ cacheable: false, bound_to: ['method', 'url', 'content_sha256'] })
    expect(answer.body['remove']).toContain('authorization')
  })

  it('with a shared secret, an end and a tag', async () => {
    const set = setIn(
      await sent('hmac.example', {
        headers: { authorization: `Bearer ${await world.token()}`, 'content-type': 'a/b' },
      }),
    )
    const parameters = `("@method" "@target-uri" "content-type");created=${world.now()};expires=${world.now() + 60};keyid="h";tag="app"`
    expect(set['signature-input']).toBe(`sig1=${parameters}`)
    const base = `"@method": GET\n"@target-uri": https://hmac.example/v1\n"content-type": a/b\n"@signature-params": ${parameters}`
    const expected = createHmac('sha256', Buffer.from(hmacKey, 'base64')).update(base).digest('base64')
    expect(set['signature']).toBe(`sig1=:${expected}:`)
  })

  it('does not promise content that nobody knows', async () => {
    expect([(await sent('signed.example', { method: 'POST' })).status, world.reason()]).toEqual([
      403,
      'partner.not_carriable',
    ])
  })
})
