import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, openEgressWorld, partner } from '../../test/http/egress-world.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { loadTrust } from '../trust.ts'

/** The secret keys that AWS's documentation of Signature Version 4 signs its examples with. */
const s3Secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const suiteSecret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

const at = (...hosts: string[]) => ({ destinations: { hosts, requireTLS: false } })
const keysOf = (service: string, file: string, accessKeyId: string) => ({
  type: 'aws-sigv4',
  service,
  region: 'us-east-1',
  accessKeyId,
  secretAccessKey: { file },
})

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: { s3: s3Secret, suite: suiteSecret },
    documents: () => [
      partner('s3', keysOf('s3', 's3', 'AKIAIOSFODNN7EXAMPLE'), at('examplebucket.s3.amazonaws.com:*', '*.s3.example')),
      partner('api', keysOf('execute-api', 'suite', 'AKIDEXAMPLE'), at('api.example', 'api.example:*')),
    ],
  })
})

beforeEach(() => world.setTime(world.now() + 86_400))
afterAll(async () => world.stop())

const sent = async (url: string, changes: { readonly headers?: object; readonly [name: string]: unknown } = {}) => {
  const headers = { authorization: `Bearer ${await world.token()}`, ...changes.headers }
  return world.describe('', { url, ...changes, headers })
}

const setIn = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) =>
  Object.fromEntries((body['set'] ?? []) as [string, string][])

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

interface Canonical {
  readonly method: string
  /** Canonical, as is the query. */
  readonly path: string
  readonly query?: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly digest?: string
}

/** Signature Version 4 from its specification. */
const signatureOf = (
  { method, path, query = '', headers, digest = sha256('') }: Canonical,
  scope: string,
  key: string,
) => {
  const names = Object.keys(headers).toSorted()
  const lines = names.map((name) => `${name}:${headers[name]}`)
  const request = [method, path, query, ...lines, '', names.join(';'), digest].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(request)].join('\n')
  return hmac(scope.split('/').reduce<Buffer>(hmac, Buffer.from(`AWS4${key}`)), toSign).toString('hex')
}

describe('the judge of these tests', () => {
  const scope = '20150830/us-east-1/service/aws4_request'
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' }
  const token = '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267'

  it.each([
    ['get-vanilla', { headers }, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-utf8-query',
      { query: '%E1%88%B4=bar', headers },
      '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
    ],
    [
      'get-space-normalized',
      { path: '/example%20space/', headers },
      '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741',
    ],
    [
      'get-vanilla-with-session-token',
      { headers: { ...headers, 'x-amz-security-token': token } },
      '07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8',
    ],
    [
      'post-x-www-form-urlencoded',
      {
        method: 'POST',
        headers: {
          ...headers,
          'content-length': '13',
          'content-type': 'application/x-www-form-urlencoded',
          'x-amz-content-sha256': sha256('Param1=value1'),
        },
        digest: sha256('Param1=value1'),
      },
      'd3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b',
    ],
  ])('judges %s of the published suite as AWS does', (_, request, signature) => {
    expect(signatureOf({ method: 'GET', path: '/', ...request }, scope, suiteSecret)).toBe(signature)
  })
})

describe('the examples of the S3 documentation', () => {
  it.each([
    ['?lifecycle', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['?max-keys=2&prefix=J', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('GET /%s', async (query, signature) => {
    world.setTime(Date.UTC(2013, 4, 24) / 1_000)
    const answer = await sent(`https://examplebucket.s3.amazonaws.com/${query}`)
    expect(answer.body['set']).toEqual([
      [
        'authorization',
        `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
      ],
      ['x-amz-date', '20130524T000000Z'],
      ['x-amz-content-sha256', sha256('')],
    ])
    expect(answer.body).toMatchObject({ cacheable: false, bound_to: ['method', 'url', 'content_sha256'] })
  })
})

/** What the partner sees, judged: the canonical request that the URL comes to, with the header fields that are signed. */
const requireSigned = (
  answer: Awaited<ReturnType<typeof sent>>,
  canonical: Omit<Canonical, 'headers'> & { readonly headers: Readonly<Record<string, string>> },
  service: 's3' | 'execute-api',
) => {
  const set = setIn(answer)
  const { authorization = '', ...amz } = set
  const scope = `${(amz['x-amz-date'] ?? '').slice(0, 8)}/us-east-1/${service}/aws4_request`
  const headers = { ...canonical.headers, ...amz }
  const signature = signatureOf({ ...canonical, headers }, scope, service === 's3' ? s3Secret : suiteSecret)
  expect(authorization).toContain(`SignedHeaders=${Object.keys(headers).toSorted().join(';')}, `)
  expect(authorization).toContain(`Signature=${signature}`)
  expect(amz['x-amz-content-sha256']).toBe(canonical.digest ?? sha256(''))
}

describe('what is signed', () => {
  it.each([
    ['/a%20b/(c)~d', '/a%20b/%28c%29~d'],
    ['/a:b@c/%E2%82%AC', '/a%3Ab%40c/%E2%82%AC'],
    ['/a%2Bb/%28c%29', '/a%2Bb/%28c%29'],
  ])('for s3, the path %s escaped once', async (sentPath, path) => {
    const answer = await sent(`https://a.s3.example${sentPath}`)
    requireSigned(answer, { method: 'GET', path, headers: { host: 'a.s3.example' } }, 's3')
  })

  it.each([
    ['/a%20b', '/a%2520b'],
    ['/functions/arn:aws:lambda', '/functions/arn%3Aaws%3Alambda'],
    ['/logs-*,metrics/_search/', '/logs-%2A%2Cmetrics/_search/'],
  ])('for others, the path %s escaped as it is sent', async (sentPath, path) => {
    const answer = await sent(`https://api.example${sentPath}`)
    requireSigned(answer, { method: 'GET', path, headers: { host: 'api.example' } }, 'execute-api')
  })

  it.each([
    ['b=2&a=1', 'a=1&b=2'],
    ['a=2&a=10&a=1', 'a=1&a=10&a=2'],
    ['a&A=&%61b=%2f', 'A=&a=&ab=%2F'],
    ['x=a=b&y=(%27)!*~', 'x=a%3Db&y=%28%27%29%21%2A~'],
    ['q=%e2%82%ac&toString=1&constructor=2', 'constructor=2&q=%E2%82%AC&toString=1'],
  ])('the query %s, sorted', async (asked, query) => {
    const answer = await sent(`https://api.example/?${asked}`)
    requireSigned(answer, { method: 'GET', path: '/', query, headers: { host: 'api.example' } }, 'execute-api')
  })

  it.each([
    ['https://api.example:443/', 'api.example'],
    ['https://api.example:8443/', 'api.example:8443'],
    ['http://api.example:80/', 'api.example'],
    ['http://api.example:443/', 'api.example:443'],
  ])('the host of %s as clients write it', async (url, host) => {
    requireSigned(await sent(url), { method: 'GET', path: '/', headers: { host } }, 'execute-api')
  })

  it('the content, its type and every x-amz-* field, but for those that are ours', async () => {
    const digest = sha256('a,b\n')
    const answer = await sent('https://a.s3.example/k', {
      method: 'PUT',
      content_sha256: digest,
      headers: {
        'content-type': 'text/csv',
        'X-Amz-Meta-Note': ' two  words ',
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-date': '20000101T000000Z',
        'x-amz-content-sha256': sha256('something else'),
        accept: '*/*',
        host: 'other.s3.example',
      },
    })
    const headers = {
      'content-type': 'text/csv',
      host: 'a.s3.example',
      'x-amz-meta-note': 'two words',
      'x-amz-storage-class': 'STANDARD_IA',
    }
    requireSigned(answer, { method: 'PUT', path: '/k', headers, digest }, 's3')
    expect(Object.keys(setIn(answer))).toEqual(['authorization', 'x-amz-date', 'x-amz-content-sha256'])
    expect(setIn(answer)['x-amz-date']).not.toBe('20000101T000000Z')
    expect(answer.body['bound_to']).toEqual(['method', 'url', 'headers', 'content_sha256'])
  })

  it('for s3 over TLS, content that stays uncovered where the caller says so', async () => {
    const answer = await sent('https://a.s3.example/k', { method: 'PUT', content_sha256: 'UNSIGNED-PAYLOAD' })
    const headers = { host: 'a.s3.example' }
    requireSigned(answer, { method: 'PUT', path: '/k', headers, digest: 'UNSIGNED-PAYLOAD' }, 's3')
  })
})

describe('what cannot be signed is refused', () => {
  const api = 'https://api.example/'
  it.each([
    [
      'a POST of unknown content',
      api,
      { method: 'POST' },
      'a POST is signed with the SHA-256 of its content, which is not known',
    ],
    [
      'uncovered content elsewhere than in s3',
      api,
      { method: 'POST', content_sha256: 'UNSIGNED-PAYLOAD' },
      'content that is not covered by the signature is taken by s3 over TLS only',
    ],
    [
      'uncovered content in the clear',
      'http://a.s3.example/k',
      { method: 'PUT', content_sha256: 'UNSIGNED-PAYLOAD' },
      'content that is not covered by the signature is taken by s3 over TLS only',
    ],
    ['a plus sign', `${api}?a=b+c`, {}, 'a plus sign in a query is a space to some: write %20 or %2B'],
    ['escapes that are not UTF-8', `${api}?a=%ff`, {}, 'the query has escapes that are not UTF-8'],
    ['a parameter without a name', `${api}?a=1&&b=2`, {}, 'the query has a parameter without a name that all see'],
    ['the name of a prototype', `${api}?__proto__=1`, {}, 'the query has a parameter without a name that all see'],
    ['a signature in the query', `${api}?X-Amz-Signature=0`, {}, 'the query has a signature, or a part of one'],
    ['keys in the query', `${api}?x-amz-%63redential=AKID`, {}, 'the query has a signature, or a part of one'],
    [
      'the session of somebody else',
      api,
      { headers: { 'X-Amz-Security-Token': 'theirs' } },
      'the request has an x-amz-security-token of its own',
    ],
    [
      'a field that is read in more than one way',
      api,
      { headers: { 'x-amz-meta-a': 'ü' } },
      'x-amz-meta-a has characters that are not ASCII',
    ],
  ])('%s', async (_, url, changes, detail) => {
    const answer = await sent(url, changes)
    expect([answer.status, answer.body['decision'], answer.body['set'], world.reason()]).toEqual([
      403,
      'deny',
      undefined,
      'partner.not_carriable',
    ])
    expect(world.traces.at(-1)?.outcome).toMatchObject({ detail })
  })
})

describe('when documents are loaded', () => {
  const faultsOf = async (credential: object) => {
    const text = JSON.stringify(partner('one', { type: 'aws-sigv4', service: 's3', region: 'auto', ...credential }))
    const options = { world: 'serve', insecureLoopback: false, digest: createNodeDigest() } as const
    const { faults } = await loadTrust([{ name: '0.yaml', text }], options)
    return faults.map(({ path, message, fix }) => [path, message, fix])
  }
  const accessKeyId = 'AKIDEXAMPLE'
  const secretAccessKey = { env: 'KEY' }
  const from = { type: 'aws-sts', region: 'eu-west-1', roleArn: 'arn:aws:iam::123456789012:role/exports' }

  it.each([{ accessKeyId, secretAccessKey }, { from }])('there is no fault in %j', async (credential) => {
    expect(await faultsOf(credential)).toEqual([])
  })

  it.each([
    {},
    { accessKeyId },
    { secretAccessKey },
    { accessKeyId, from },
    { accessKeyId, secretAccessKey, from },
    { from: { type: 'api-key', value: { env: 'KEY' } } },
    { from: { type: 'aws-sigv4', service: 's3', region: 'auto', from } },
  ])('there is one in %j', async (credential) => {
    expect(await faultsOf(credential)).toEqual([
      [
        'spec.credential.from',
        'needs exactly one of accessKeyId with secretAccessKey, and from with a credential that is such keys',
        'from: { type: aws-sts, … }',
      ],
    ])
  })
})
