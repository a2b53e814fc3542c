import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentsFor } from '../world/documents.ts'
import { type Dragoman, newFolder, removeFolder, startDragoman } from '../world/dragoman.ts'
import { type OpenIdProvider, startOpenIdProvider } from '../world/openid-provider.ts'
import { auditOf, canonicalToken, describeRequest, type Outgoing, partner, wayOut } from '../world/way-out.ts'
import { type Aws, startAws } from './partners/moto.ts'
import * as programs from './partners/running.ts'
import { type S3, startS3 } from './partners/versitygw.ts'

/** Servers that check Signature Version 4 take what dragoman signs, and nothing that was changed after. */

const region = 'eu-west-1'
const accessKeyId = 'interop-key'
const secretAccessKey = 'the-secret-access-key-of-interop'
const account = '123456789012'

const signed = (service: string, keys: object) => ({ type: 'aws-sigv4', service, region, ...keys })
const roleNamed = (endpoint: string, name: string) => ({
  from: { type: 'aws-sts', endpoint, region, roleArn: `arn:aws:iam::${account}:role/${name}` },
})

const at = (url: string, paths: readonly string[]) => ({
  release: ['public', 'internal'],
  destinations: { hosts: [new URL(url).host], paths, requireTLS: false },
})

const documents = (issuer: string, s3: string, aws: string) => [
  ...documentsFor(issuer),
  ...wayOut,
  partner('store', signed('s3', { accessKeyId, secretAccessKey: { env: 'S3_SECRET' } }), at(s3, ['/**'])),
  partner('exports', signed('s3', roleNamed(aws, 'exports')), at(aws, ['/exports/**', '/reports/**'])),
  partner('who', signed('sts', roleNamed(aws, 'exports')), at(aws, ['/'])),
]

let provider: OpenIdProvider
let s3: S3
let aws: Aws
let dragoman: Dragoman
const folder = newFolder()
beforeAll(async () => {
  const own = join(folder, 's3')
  mkdirSync(own)
  provider = await startOpenIdProvider()
  s3 = await startS3(programs.versitygw, { folder: own, region, accessKeyId, secretAccessKey })
  aws = await startAws(programs.python, programs.moto, join(folder, 'moto.log'))
  dragoman = await startDragoman(folder, documents(provider.issuer, s3.url, aws.url), {
    environment: { S3_SECRET: secretAccessKey },
  })
}, 120_000)
afterAll(async () => {
  await Promise.all([dragoman?.stop(), aws?.stop(), s3?.stop(), provider?.stop()])
  removeFolder(folder)
})

interface Call {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Answer {
  readonly status: number
  readonly body: string
}

/** Byte for byte, as a gateway forwards it: nothing is normalized. */
const send = ({ method, url, headers, body = '' }: Call): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const [, host = '', path = ''] = /^http:\/\/([^/]+)(.*)$/.exec(url) ?? []
    const [hostname, port] = host.split(':')
    const asked = request({ method, hostname, port, path, agent: false }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject)
    })
    for (const [name, value] of Object.entries(headers ?? {})) asked.setHeader(name, value)
    asked.setHeader('content-length', Buffer.byteLength(body))
    asked.on('error', reject)
    asked.end(body)
  })

const sha256 = (body: string) => createHash('sha256').update(body).digest('hex')

/** The headers that dragoman has set on what is described. */
const credentialFor = async ({ method, url, headers = {}, body = '' }: Call) => {
  const token = await canonicalToken(provider, dragoman, 'alice')
  const outgoing: Outgoing = { method, url, headers, content_sha256: sha256(body) }
  const { set, ...answer } = await describeRequest(dragoman, token, outgoing)
  expect(answer).toMatchObject({ status: 200, decision: 'allow' })
  return { ...headers, ...Object.fromEntries(set) }
}

/** A call with the credential that dragoman gives for it; `changes` are made after. */
const call = async (asked: Call, changes: Partial<Call> = {}): Promise<Answer> => {
  const headers = await credentialFor(asked)
  return send({ ...asked, ...changes, headers: { ...headers, ...changes.headers } })
}

describe('a store that speaks as S3 does', () => {
  const bucket = 'interop'
  const inBucket = (rest: string) => `${s3.url}/${bucket}/${rest}`
  const csv = { 'content-type': 'text/csv', 'x-amz-meta-owner': 'orders  team' }

  it('refuses who does not sign', async () => {
    expect((await send({ method: 'GET', url: `${s3.url}/` })).status).toBe(403)
  })

  it('makes a bucket for us', async () => {
    expect((await call({ method: 'PUT', url: `${s3.url}/${bucket}` })).status).toBe(200)
  })

  it.each(['plain.csv', 'a%20b/c%2Bd.csv', '%C3%BC~(1)!.csv', 'x%3Dy%26z.csv', 'deep/er/and/deep.er'])(
    'keeps and gives back an object named %s',
    async (name) => {
      const body = `of ${name}\n`
      expect(await call({ method: 'PUT', url: inBucket(name), headers: csv, body })).toMatchObject({ status: 200 })
      expect(await call({ method: 'GET', url: inBucket(name) })).toEqual({ status: 200, body })
    },
  )

  it.each([
    ['list-type=2&prefix=a%20b%2F', 'c+d.csv'],
    ['prefix=deep&list-type=2&delimiter=%2F', 'deep/'],
    ['list-type=2&max-keys=1&start-after=p', 'plain.csv'],
    ['uploads', 'ListMultipartUploadsResult'],
    ['location=', region],
  ])('answers the query %s', async (query, expected) => {
    const { status, body } = await call({ method: 'GET', url: `${s3.url}/${bucket}?${query}` })
    expect([status, body]).toEqual([200, expect.stringContaining(expected)])
  })

  const put = (): Call => ({ method: 'PUT', url: inBucket('mine.csv'), headers: csv, body: 'a,b\n' })
  const changes: readonly (readonly [string, () => Partial<Call>])[] = [
    ['another content', () => ({ body: 'a,c\n' })],
    ['another object', () => ({ url: inBucket('yours.csv') })],
    ['another method', () => ({ method: 'DELETE', body: '' })],
    ['another query', () => ({ url: inBucket('mine.csv?acl') })],
    ['another owner', () => ({ headers: { 'x-amz-meta-owner': 'others' } })],
    ['an x-amz header more', () => ({ headers: { 'x-amz-acl': 'public-read' } })],
  ]
  it.each(changes)('refuses a signed request that has %s', async (_what, change) => {
    const { status } = await call(put(), change())
    expect([400, 403]).toContain(status)
    expect((await call({ method: 'GET', url: inBucket('mine.csv') })).status).toBe(404)
  })
})

describe('the role of AWS that our own issuer may take on', () => {
  const form = (parameters: Readonly<Record<string, string>>): Call => ({
    method: 'POST',
    url: `${aws.url}/`,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: new URLSearchParams(parameters).toString(),
  })
  /** As an administrator whom nobody checks. */
  const administer = async (service: string, asked: Call) => {
    const authorization = `AWS4-HMAC-SHA256 Credential=admin/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`
    const answer = await send({ ...asked, headers: { ...asked.headers, authorization } })
    expect(answer).toMatchObject({ status: 200 })
  }
  const iam = (parameters: Readonly<Record<string, string>>) =>
    administer('iam', form({ Version: '2010-05-08', RoleName: 'exports', ...parameters }))
  const statement = (more: object) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] })

  beforeAll(async () => {
    const trust = { Principal: { Federated: '*' }, Action: 'sts:AssumeRoleWithWebIdentity' }
    await iam({ Action: 'CreateRole', AssumeRolePolicyDocument: statement(trust) })
    const policy = { Action: ['s3:PutObject', 's3:GetObject'], Resource: 'arn:aws:s3:::exports/*' }
    await iam({ Action: 'PutRolePolicy', PolicyName: 'p', PolicyDocument: statement(policy) })
    const body = `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`
    for (const name of ['exports', 'reports'])
      await administer('s3', { method: 'PUT', url: `${aws.url}/${name}`, body })
    // STS is asked without a signature, which this server does not take from anybody once it checks.
    for (const url of [`${aws.url}/exports/`, `${aws.url}/`]) await credentialFor({ method: 'GET', url })
    await aws.checkEverybody()
  })

  it('keeps and gives back an object under the keys of the role', async () => {
    const url = `${aws.url}/exports/2026/a%20b.csv`
    const put = { method: 'PUT', url, headers: { 'content-type': 'text/csv' }, body: 'a,b\n' }
    expect(await call(put)).toMatchObject({ status: 200 })
    expect(await call({ method: 'GET', url })).toEqual({ status: 200, body: 'a,b\n' })
  })

  it('refuses what the role may not', async () => {
    const { status, body } = await call({ method: 'PUT', url: `${aws.url}/reports/a.csv`, body: 'a' })
    expect([status, body]).toEqual([403, expect.stringContaining('AccessDenied')])
  })

  it('refuses a request that was changed after', async () => {
    const { status, body } = await call(
      { method: 'PUT', url: `${aws.url}/exports/a.csv`, body: 'a' },
      { url: `${aws.url}/exports/b.csv` },
    )
    expect([status, body]).toEqual([403, expect.stringContaining('SignatureDoesNotMatch')])
  })

  it('says in the name of the session who it is for', async () => {
    const { status, body } = await call(form({ Action: 'GetCallerIdentity', Version: '2011-06-15' }))
    expect(status).toBe(200)
    expect(body).toContain(`arn:aws:sts::${account}:assumed-role/exports/user-alice-`)
  })

  it('says in the audit log which keys those were, and no secret of them', async () => {
    const headers = await credentialFor({ method: 'GET', url: `${aws.url}/exports/x` })
    const record = await auditOf(dragoman, 'exports')
    expect(record).toMatchObject({ decision: 'granted', credential_kinds: ['aws-sigv4', 'aws-sts'] })
    const [token, authorization] = [headers['x-amz-security-token'], headers['authorization']]
    const signature = /Signature=(\w+)/.exec(authorization ?? '')?.[1]
    for (const secret of [secretAccessKey, token, signature]) {
      expect(secret?.length).toBeGreaterThan(20)
      expect(dragoman.output().includes(secret ?? '')).toBe(false)
    }
  })
})
