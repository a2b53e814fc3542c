import {
  constants,
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EgressWorld, gateway as gatewayDocument, openEgressWorld, partner } from '../../test/http/egress-world.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { loadTrust } from '../trust.ts'

/** The keys of RFC 9421 appendices B.1.4 and B.1.5, which are published to test with. */
const publishedEd25519 = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
`
const publishedHmac = 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=='

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey

const at = (host: string) => ({ destinations: { hosts: [host], requireTLS: false } })
const usual = { type: 'http-signature', keyId: 'ours' }
const basics = ['@method', '@authority', '@path']

const algorithms = {
  'ecdsa-p256-sha256': { file: 'p256', hash: 'sha256', key: p256, options: { dsaEncoding: 'ieee-p1363' } },
  'ecdsa-p384-sha384': { file: 'p384', hash: 'sha384', key: p384, options: { dsaEncoding: 'ieee-p1363' } },
  ed25519: { file: 'ed', hash: undefined, key: ed25519, options: {} },
  'rsa-v1_5-sha256': { file: 'rsa', hash: 'sha256', key: rsa, options: {} },
  'rsa-pss-sha512': {
    file: 'rsa',
    hash: 'sha512',
    key: rsa,
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
  },
} as const satisfies Record<
  string,
  { file: string; hash: string | undefined; key: KeyObject; options: Omit<VerifyKeyObjectInput, 'key'> }
>

let world: EgressWorld

beforeAll(async () => {
  world = await openEgressWorld({
    secrets: {
      p256: pem(p256),
      p384: pem(p384),
      rsa: pem(rsa),
      ed: pem(ed25519),
      'published-ed': publishedEd25519,
      'published-hmac': publishedHmac,
      words: 'these are words, and no key',
      blank: ' ',
    },
    documents: () => [
      partner(
        'b25',
        {
          ...usual,
          algorithm: 'hmac-sha256',
          key: { file: 'published-hmac' },
          keyId: 'test-shared-secret',
          components: ['date', '@authority', 'content-type'],
          label: 'sig-b25',
          namesAlgorithm: false,
        },
        { destinations: { hosts: ['example.com'], paths: ['/shared'] } },
      ),
      partner(
        'b26',
        {
          ...usual,
          algorithm: 'ed25519',
          key: { file: 'published-ed' },
          keyId: 'test-key-ed25519',
          components: ['date', '@method', '@path', '@authority', 'content-type', 'content-length'],
          label: 'sig-b26',
          namesAlgorithm: false,
        },
        { destinations: { hosts: ['example.com'], paths: ['/foo'] } },
      ),
      ...Object.entries(algorithms).map(([algorithm, { file }]) => {
        const name = algorithm.replaceAll('_', '-')
        return partner(
          name,
          { ...usual, algorithm, key: { file }, components: [...basics, '@query'] },
          at(`${name}.example`),
        )
      }),
      partner('usual', { ...usual, key: { file: 'p256' } }, { destinations: { hosts: ['usual.example'] } }),
      partner(
        'derived',
        {
          ...usual,
          key: { file: 'p256' },
          components: ['@method', '@target-uri', '@authority', '@scheme', '@request-target', '@path', '@query'],
        },
        at('derived.example:*'),
      ),
      partner(
        'fields',
        {
          ...usual,
          keyId: 'a "key" \\ of ours',
          tag: 'pay/v1',
          ttl: '30s',
          key: { file: 'p256' },
          components: [...basics, 'content-type', 'idempotency-key'],
        },
        at('fields.example'),
      ),
      partner(
        'taken',
        { ...usual, key: { file: 'p256' }, components: [...basics, 'x-forwarded-host'] },
        at('taken.example'),
      ),
      gatewayDocument('makes-https', 'json', { originatesTLS: true }),
      partner('words', { ...usual, key: { file: 'words' } }, at('words.example')),
      partner('other', { ...usual, key: { file: 'p384' } }, at('other.example')),
      partner('blank', { ...usual, algorithm: 'hmac-sha256', key: { file: 'blank' } }, at('blank.example')),
      partner('text', { ...usual, algorithm: 'hmac-sha256', key: { file: 'words' } }, at('text.example')),
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

/** What a verifier computes for itself (RFC 9421 section 3.2). */
const baseOf = (lines: readonly (readonly [string, string])[], parameters: string) => {
  const names = lines.map(([name]) => `"${name}"`).join(' ')
  const input = `(${names})${parameters}`
  return {
    input,
    base: [...lines.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${input}`].join('\n'),
  }
}

const signatureIn = (set: Readonly<Record<string, string>>, label = 'sig1') =>
  Buffer.from((set['signature'] ?? '').replace(new RegExp(`^${label}=:([A-Za-z0-9+/=]+):$`), '$1'), 'base64')

const isSignedBy = (key: KeyObject, base: string, signature: Buffer) =>
  verify('sha256', Buffer.from(base), { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' }, signature)

describe('the examples of RFC 9421', () => {
  const headers = { date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json', 'content-length': '18' }

  it('B.2.5: a shared secret, whatever the path, which is not signed', async () => {
    world.setTime(1_618_884_473)
    const answer = await sent('https://example.com/shared', { method: 'POST', headers })
    expect(answer.body['set']).toEqual([
      ['signature-input', 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'],
      ['signature', 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:'],
    ])
    expect(answer.body).toMatchObject({ cacheable: false, bound_to: ['method', 'url', 'headers'] })
  })

  it('B.2.6: Ed25519', async () => {
    world.setTime(1_618_884_473)
    const answer = await sent('https://example.com/foo?param=Value&Pet=dog', { method: 'POST', headers })
    expect(answer.body['set']).toEqual([
      [
        'signature-input',
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
      ],
      [
        'signature',
        'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
      ],
    ])
  })
})

describe('every algorithm', () => {
  it.each(Object.entries(algorithms))(
    '%s is verified by another implementation',
    async (algorithm, { hash, key, options }) => {
      const host = `${algorithm.replaceAll('_', '-')}.example`
      const set = setIn(await sent(`https://${host}/a?b=c`))
      const { input, base } = baseOf(
        [
          ['@method', 'GET'],
          ['@authority', host],
          ['@path', '/a'],
          ['@query', '?b=c'],
        ],
        `;created=${world.now()};keyid="ours";alg="${algorithm}"`,
      )
      expect(set['signature-input']).toBe(`sig1=${input}`)
      const judged = (text: string) =>
        verify(hash, Buffer.from(text), { key: createPublicKey(key), ...options }, signatureIn(set))
      expect([judged(base), judged(base.replace('b=c', 'b=d'))]).toEqual([true, false])
    },
  )
})

describe('what is signed', () => {
  it.each([
    ['https://DERIVED.example/A%20b?x=%2f&x', 'derived.example', '/A%20b', '?x=%2f&x', 'https'],
    ['https://derived.example:8443/a?', 'derived.example:8443', '/a', undefined, 'https'],
    ['http://derived.example', 'derived.example', '/', undefined, 'http'],
    ['http://derived.example/a', 'derived.example', '/a', undefined, 'https', 'makes-https'],
    ['https://derived.example/%41%7e/%c3%bc', 'derived.example', '/%41%7e/%c3%bc', undefined, 'https'],
  ])('of %s, all that can be derived', async (url, authority, path, query, scheme, gateway = 'egress') => {
    const set = setIn(await sent(url, { gateway }))
    const target = path + (query ?? '')
    const lines: [string, string][] = [
      ['@method', 'GET'],
      ['@target-uri', `${scheme}://${authority}${target}`],
      ['@authority', authority],
      ['@scheme', scheme],
      ['@request-target', target],
      ['@path', path],
      ...(query === undefined ? [] : [['@query', query] satisfies [string, string]]),
    ]
    const { input, base } = baseOf(lines, `;created=${world.now()};keyid="ours";alg="ecdsa-p256-sha256"`)
    expect(set['signature-input']).toBe(`sig1=${input}`)
    expect(isSignedBy(p256, base, signatureIn(set))).toBe(true)
  })

  it('the content by its digest, whatever the request says of it', async () => {
    const digest = createHash('sha256').update('{"hello": "world"}').digest()
    const answer = await sent('https://usual.example/', {
      method: 'POST',
      content_sha256: digest.toString('hex'),
      headers: { 'Content-Digest': 'sha-256=:AAAA:' },
    })
    const field = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'
    expect(`sha-256=:${digest.toString('base64')}:`).toBe(field)
    const set = setIn(answer)
    const { base } = baseOf(
      [
        ['@method', 'POST'],
        ['@authority', 'usual.example'],
        ['@path', '/'],
        ['content-digest', field],
      ],
      `;created=${world.now()};keyid="ours";alg="ecdsa-p256-sha256"`,
    )
    expect(set['content-digest']).toBe(field)
    expect(isSignedBy(p256, base, signatureIn(set))).toBe(true)
    expect(answer.body['bound_to']).toEqual(['method', 'url', 'content_sha256'])
  })

  it('the digest that the request states, where nobody else does', async () => {
    const field = 'sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:'
    const answer = await sent('https://usual.example/', { method: 'POST', headers: { 'content-digest': field } })
    expect(setIn(answer)).toMatchObject({
      'content-digest': field,
      'signature-input': expect.stringContaining('("@method" "@authority" "@path" "content-digest")'),
    })
  })

  it('no content where there is none', async () => {
    const set = setIn(await sent('https://usual.example/'))
    expect(set['signature-input']).toMatch(/^sig1=\("@method" "@authority" "@path"\);/)
    expect(set['content-digest']).toBeUndefined()
  })

  it('fields as the request has them, to an end, for a purpose', async () => {
    const headers = { 'Content-Type': ' a/b ', 'Idempotency-Key': '"k, 1"', accept: '*/*', signature: 'sig1=:AAAA:' }
    const answer = await sent('https://fields.example/', { method: 'POST', headers, content_sha256: 'a'.repeat(64) })
    const set = setIn(answer)
    const now = world.now()
    const { input, base } = baseOf(
      [
        ['@method', 'POST'],
        ['@authority', 'fields.example'],
        ['@path', '/'],
        ['content-type', 'a/b'],
        ['idempotency-key', '"k, 1"'],
      ],
      `;created=${now};expires=${now + 30};keyid="a \\"key\\" \\\\ of ours";alg="ecdsa-p256-sha256";tag="pay/v1"`,
    )
    expect(set['signature-input']).toBe(`sig1=${input}`)
    expect(isSignedBy(p256, base, signatureIn(set))).toBe(true)
    expect(Object.keys(set)).toEqual(['signature-input', 'signature'])
    expect(answer.body).toMatchObject({
      bound_to: ['method', 'url', 'headers'],
      expires_at: new Date((now + 30) * 1_000).toISOString(),
    })
  })
})

describe('what cannot be signed is refused', () => {
  const post = { method: 'POST' }
  const digestless = 'a POST is signed with the digest of its content, which is not known'
  it.each([
    ['content that nobody knows', 'usual', post, digestless],
    ['content that the caller leaves out', 'usual', { ...post, content_sha256: 'UNSIGNED-PAYLOAD' }, digestless],
    [
      'a field that is not told',
      'fields',
      { headers: { 'content-type': 'a/b' } },
      'the signature is over idempotency-key, which is not known of the request',
    ],
    [
      'content whose type is not told',
      'fields',
      { ...post, headers: { 'idempotency-key': 'k' } },
      'the signature is over content-type, which is not known of the request',
    ],
    [
      'a field that is not ASCII',
      'fields',
      { headers: { 'idempotency-key': 'ü' } },
      'Field idempotency-key is not ASCII field content',
    ],
    [
      'a field that is taken off when the request leaves',
      'taken',
      { headers: { 'x-forwarded-host': 'taken.example' } },
      'the signature is over x-forwarded-host, which is not known of the request',
    ],
  ])('%s', async (_, name, changes, detail) => {
    const { status, body } = await sent(`https://${name}.example/`, changes)
    expect([status, body['decision'], body['set'], world.reason()]).toEqual([
      403,
      'deny',
      undefined,
      'partner.not_carriable',
    ])
    expect(world.traces.at(-1)?.outcome).toMatchObject({ detail })
  })

  it.each(['words', 'other', 'blank', 'text'])('with a secret that is no such key: %s', async (name) => {
    const { status, body } = await sent(`https://${name}.example/`)
    expect([status, body['set'], world.reason()]).toEqual([503, undefined, 'secret.unavailable'])
    const said = JSON.stringify(world.traces.at(-1))
    expect(said).toContain(`the key of ${name} cannot be used`)
    expect(said).not.toContain('these are words')
  })
})

describe('when documents are loaded', () => {
  const faultsOf = async (changes: object) => {
    const text = JSON.stringify(partner('one', { ...usual, key: { env: 'KEY' }, ...changes }))
    const options = { world: 'serve', insecureLoopback: false, digest: createNodeDigest() } as const
    const { faults } = await loadTrust([{ name: '0.yaml', text }], options)
    return faults.map(({ path, message }) => `${path.replace('spec.credential.', '')}: ${message}`)
  }
  const unfit = 'does not reach the partner as the request has it'

  it.each([
    [{}, []],
    [{ components: ['@authority', 'authorization'] }, [`components[1]: authorization ${unfit}`]],
    [
      { components: ['@authority', 'host', 'cookie'] },
      [`components[1]: host ${unfit}`, `components[2]: cookie ${unfit}`],
    ],
    [{ components: ['@authority', '@authority'] }, ['components[1]: @authority stands twice']],
    [{ components: ['@method', '@path'] }, ['components: a signature over no host is good at every host']],
    [
      { components: ['@authority', '@status'] },
      ['components[1]: a derived component of RFC 9421 or the name of a header field'],
    ],
    [{ tag: 'ü' }, ['tag: visible ASCII']],
    [{ keyId: 'a\nb' }, ['keyId: visible ASCII']],
    [{ label: 'Sig' }, ['label: lower-case letters, digits, _ and -']],
  ])('%j', async (changes, faults) => {
    expect(await faultsOf(changes)).toEqual(faults)
  })
})

describe('hmac', () => {
  it('is over the secret itself, which is kept in base64', async () => {
    world.setTime(1_618_884_473)
    const { input, base } = baseOf(
      [
        ['date', 'x'],
        ['@authority', 'example.com'],
        ['content-type', 'y'],
      ],
      ';created=1618884473;keyid="test-shared-secret"',
    )
    const headers = { date: 'x', 'content-type': 'y' }
    const set = setIn(await sent('https://example.com/shared', { method: 'POST', headers }))
    expect(set['signature-input']).toBe(`sig-b25=${input}`)
    const expected = createHmac('sha256', Buffer.from(publishedHmac, 'base64')).update(base).digest()
    expect(signatureIn(set, 'sig-b25')).toEqual(expected)
  })
})
