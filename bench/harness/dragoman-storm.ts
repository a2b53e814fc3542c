import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { HttpCall } from '../../src/gateways/dialect.ts'
import { answerer, answerQuestions } from './answer-questions.ts'
import { foreignAudience, foreignIssuer, foreignParty } from './foreign-issuer.ts'
import { built, openedDesk } from './opened-desk.ts'
import { quantile } from './statistics.ts'
import { tokensIn } from './subject-tokens.ts'

/**
 * A thousand requests at once for a credential that is not there yet. They come to the journey itself and over no
 * connection: a listener sheds what is more than it can soon answer.
 */

const { answerDescribed } = await built<typeof import('../../src/http/egress-described.ts')>('http/egress-described.js')

const setup = z.object({
  folder: z.string(),
  jwk: z.record(z.string(), z.unknown()),
  poolFile: z.string(),
  tokenEndpoint: z.string(),
  /** A storm needs a partner that nobody has asked before. */
  partners: z.number(),
})
type Setup = z.infer<typeof setup>

const atOnce = 1_000
const gatewaySecret = randomBytes(24).toString('base64url')
const secretHeader = 'x-gateway-secret'

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const documentsOf = ({ tokenEndpoint, partners }: Setup) => [
  document('TrustMap', 'bench', {
    source: {
      oidc: {
        issuer: foreignIssuer,
        jwksFile: 'issuer.jwks.json',
        audiences: [foreignAudience],
        authorizedParties: [foreignParty],
        algorithms: ['RS256'],
      },
    },
    rules: [
      {
        name: 'everybody',
        identity: { type: 'user', subject: { claim: 'sub', prefix: 'user:' } },
        grant: { audiences: ['https://orders.bench.example'] },
      },
    ],
  }),
  document('Gateway', 'storm', {
    direction: 'egress',
    dialect: 'json',
    authenticate: {
      secretHeader: {
        name: secretHeader,
        secrets: [{ sha256: createHash('sha256').update(gatewaySecret).digest('base64url') }],
      },
    },
    credentialFrom: [{ header: 'Authorization', scheme: 'Bearer', type: 'jwt' }],
    sources: ['bench'],
  }),
  ...Array.from({ length: partners }, (_, n) =>
    document('Partner', `p${n}`, {
      destinations: { hosts: [`p${n}.bench.example`] },
      allow: [{ subjects: ['user:*'] }],
      credential: {
        type: 'client-credentials',
        tokenEndpoint,
        clientAuth: { method: 'none', clientId: 'bench' },
      },
    }),
  ),
]

const callOf = (token: string, n: number): HttpCall => {
  const body = JSON.stringify({
    gateway: 'storm',
    method: 'GET',
    url: `https://p${n}.bench.example/v1/orders`,
    headers: { authorization: `Bearer ${token}` },
  })
  const headers: Readonly<Record<string, string>> = {
    [secretHeader]: gatewaySecret,
    'content-type': 'application/json',
  }
  return {
    method: 'POST',
    target: '/v1/egress',
    isVerbatim: true,
    header: (name) => headers[name],
    body: async () => body,
    caller: () => ({}),
  }
}

/** Everybody's wait for the answer, in milliseconds. */
const storm = async (desk: Awaited<ReturnType<typeof openedDesk>>, tokens: readonly string[], n: number) => {
  const calls = tokens.map((token) => callOf(token, n))
  const begun = performance.now()
  return Promise.all(
    calls.map(async (call) => {
      const { status, body } = await answerDescribed(call, desk)
      if (status !== 200) throw new Error(body)
      return performance.now() - begun
    }),
  )
}

let ready: { readonly desk: Awaited<ReturnType<typeof openedDesk>>; readonly tokens: readonly string[] } | undefined

answerQuestions({
  prepare: answerer(setup, async (given) => {
    writeFileSync(join(given.folder, 'issuer.jwks.json'), JSON.stringify({ keys: [given.jwk] }))
    const desk = await openedDesk({
      folder: given.folder,
      documents: documentsOf(given),
      issuer: 'https://dragoman.bench.example',
      world: 'dev',
    })
    ready = { desk, tokens: tokensIn(given.poolFile).slice(0, atOnce) }
  }),
  storm: answerer(z.object({ n: z.number() }), async ({ n }) => {
    if (ready === undefined) throw new Error('there are no documents yet')
    return { p99: quantile(await storm(ready.desk, ready.tokens, n), 0.99) }
  }),
})
