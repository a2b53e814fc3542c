import { verifiers } from './catalog.ts'
import type { Claims } from './domain/claims.ts'
import { authenticatedAs, type Client } from './domain/client.ts'
import { proven } from './domain/credential.ts'
import type { Location } from './domain/fault.ts'
import type { CanonicalIdentity } from './domain/identity.ts'
import { heldBy } from './domain/presented-certificate.ts'
import { Refusal } from './domain/refusal.ts'
import { secret } from './domain/secret.ts'
import type { Instant } from './domain/time.ts'
import { type TokenType, tokenTypes } from './domain/token-type.ts'
import { newTrace, type Trace } from './domain/trace.ts'
import { encodeBase64url } from './formats/base64url.ts'
import { claimsOf, parseCompactJws } from './formats/jws.ts'
import { matcherOf } from './formats/pattern.ts'
import { grant } from './grant/grant.ts'
import { differencesFrom, type Outcome } from './map/expectation.ts'
import { type Actor, type Context, map } from './map/map.ts'
import type { PolicyTest } from './map/test-suite.ts'
import type { TrustMap } from './map/trust-map.ts'
import { defaultOverlap } from './mint/key-times.ts'
import type { Keyring } from './mint/keyring.ts'
import { mint } from './mint/mint.ts'
import type { Digest } from './ports/digest.ts'
import { silentMeters } from './ports/meters.ts'
import type { Ports } from './ports/ports.ts'
import type { SigningKey } from './ports/signatures.ts'
import type { KeySet } from './sources/key-sets.ts'
import { createMemoryCredentials } from './stores/memory-credentials.ts'
import type { TestSuite, Trust } from './trust.ts'
import { oidc } from './verify/oidc.ts'
import { checkOidcClaims } from './verify/oidc-claims.ts'
import { issuersOf, type OidcConfig } from './verify/oidc-config.ts'
import type { Tools } from './verify/verifier.ts'
import { type Source, type Sources, sourcesOf, verify } from './verify/verify.ts'

/** A policy test and what came of it. It has passed when nothing differs. */
export interface RehearsedTest {
  readonly suite: string
  readonly test: PolicyTest
  /** What came out other than expected, a line each. */
  readonly differences: readonly string[]
  readonly trace: Trace
}

/** How many tests a rule has spoken in. */
export interface RuleCoverage {
  readonly map: string
  readonly rule: string
  readonly location: Location
  readonly tests: number
}

export interface Rehearsal {
  readonly tests: readonly RehearsedTest[]
  readonly coverage: readonly RuleCoverage[]
}

/**
 * Plays policy tests through the journey: the same choice of source, the same judgement of claims, the same map, grant
 * and mint as in production. Only signatures are left out, since fixtures are bare claims; nothing is asked of the
 * network.
 */
export const rehearse = async (
  trust: Trust,
  digest: Digest,
  suites: readonly TestSuite[] = trust.suites,
): Promise<Rehearsal> => {
  const tests = await Promise.all(
    suites.flatMap((suite) => suite.tests.map((test) => rehearseTest(suite, test, { trust, digest, now: suite.now }))),
  )
  return { tests, coverage: coverageOf(trust, tests) }
}

const coverageOf = (trust: Trust, tests: readonly RehearsedTest[]): readonly RuleCoverage[] =>
  enabledMaps(trust).flatMap((trustMap) =>
    trustMap.rules.map((rule) => ({
      map: trustMap.name,
      rule: rule.name,
      location: rule.location,
      tests: tests.filter(({ trace }) => trace.map === trustMap.name && trace.rule === rule.name).length,
    })),
  )

const enabledMaps = (trust: Trust): readonly TrustMap[] => trust.maps.filter(({ mode }) => mode !== 'disabled')

interface Stage {
  readonly trust: Trust
  readonly digest: Digest
  readonly now: Instant
}

const rehearseTest = async (suite: TestSuite, test: PolicyTest, stage: Stage): Promise<RehearsedTest> => {
  const walked = await walkAsAccepted(test, stage)
  return { suite: suite.name, test, differences: differencesFrom(test.expect, walked), trace: walked.trace }
}

/** A test that names no type takes the first that the source accepts for its claims. */
const walkAsAccepted = async (test: PolicyTest, stage: Stage): Promise<Outcome> => {
  if (test.tokenType !== undefined) return walk(test, test.tokenType, stage)
  const first = await walk(test, tokenTypes.idToken, stage)
  if (!isOfOtherType(first)) return first
  for (const type of [tokenTypes.accessToken, tokenTypes.jwt]) {
    const next = await walk(test, type, stage)
    if (!isOfOtherType(next)) return next
  }
  return first
}

const isOfOtherType = ({ trace: { outcome } }: Outcome): boolean =>
  outcome?.granted === false && outcome.reason.startsWith('credential.type_')

const walk = async (test: PolicyTest, type: TokenType, stage: Stage): Promise<Outcome> => {
  const trace = newTrace('rehearsal', stage.now, true)
  const found: { identity?: CanonicalIdentity; token?: Claims } = {}
  try {
    const client = clientOf(test, stage.trust)
    const subject = { type, raw: secret(bareToken(test.claims)) }
    const caller = { method: 'private_key_jwt', assertion: secret('') } as const
    const request = { client: caller, certificate, subject, ...test.request }
    const tools = toolsFor(stage)
    const proof =
      assumed(test.claims, test.source, client, stage) ??
      (await verify(
        subject,
        { client },
        sourcesFor(test, stage.trust),
        [unsigned],
        mayPresent,
        stage.now,
        tools,
        trace,
      ))
    const facts = { targets: test.request.targets, scope: test.request.scope ?? [] }
    const context = {
      client,
      request: facts,
      now: stage.now,
      version: stage.trust.version,
      ...(test.gateway === undefined ? {} : { gateway: test.gateway }),
    }
    const actor = actorOf(test, context, stage)
    const withActor = actor === undefined ? context : { ...context, actor }
    const mapped = map(proof.credential, mapNamed(proof.map, stage.trust), withActor, trace)
    found.identity = mapped.identity
    const petition = { request, client, credential: proof.credential, ...mapped }
    const delegated = actor === undefined || mapped.identity.actor === undefined ? petition : { ...petition, actor }
    const granted = grant(delegated, 'rehearsal', stage.now, trace)
    const minting = {
      issuer: ourselves,
      trustDomain: 'dragoman.example',
      now: stage.now,
      ports: tools.ports,
      trust: stage.trust,
    }
    const issued = await mint(granted, keyring, minting, trace)
    found.token = claimsOf(parseCompactJws(issued.value.reveal()))
    trace.outcome = { granted: true }
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    trace.outcome = { granted: false, reason: thrown.reason, detail: thrown.detail }
  }
  return { trace, ...found }
}

/** A credential that is not claims itself, of the map that the test names; undefined: it is a token, to be read as one. */
const assumed = (claims: Claims, source: string | undefined, client: Client, { trust, now }: Stage) => {
  const { kind, config } = source === undefined ? {} : mapNamed(source, trust).source
  const verifier = verifiers.find((candidate) => candidate.kind === kind)
  const type = verifier?.tokenTypes[0]
  if (source === undefined || verifier?.assume === undefined || type === undefined) return undefined
  if (!mayPresent(client, source))
    throw new Refusal('source.not_allowed', `client ${client.id} may not present credentials of ${source}`)
  return { credential: verifier.assume(claims, config, now), map: source, type }
}

/** As in the journey, whatever is wrong with an actor makes it none. */
const actorOf = ({ actor }: PolicyTest, context: Context, stage: Stage): Actor | undefined => {
  if (actor === undefined) return undefined
  try {
    return assumedActor(actor, context, stage)
  } catch (thrown) {
    throw thrown instanceof Refusal ? new Refusal('actor.invalid', thrown.message, { cause: thrown }) : thrown
  }
}

const assumedActor = ({ claims, source }: NonNullable<PolicyTest['actor']>, context: Context, stage: Stage): Actor => {
  const proof = assumed(claims, source, context.client, stage)
  if (proof === undefined)
    throw new Refusal(
      'actor.invalid',
      'tests can play certificates, SVIDs, assertions and tokens of ours as actors only',
    )
  const trace = newTrace('rehearsal', stage.now)
  const { identity } = map(proof.credential, mapNamed(proof.map, stage.trust), context, trace)
  return { ...proof, identity, isNamed: true }
}

const mapNamed = (name: string, trust: Trust): TrustMap => {
  const found = trust.maps.find((trustMap) => trustMap.name === name)
  if (found === undefined) throw new Refusal('internal', `no trust map ${name}`)
  return found
}

/** The client that a test names, else one that may ask for everything, so that the map alone decides. */
const clientOf = (test: PolicyTest, trust: Trust): Client => {
  const registration = test.client === undefined ? undefined : trust.clients.get(test.client)
  const everything = { sources: ['**'], audiences: ['**'], scopes: ['**'], presentCertificates: true }
  return authenticatedAs({
    id: registration?.id ?? test.gateway?.name ?? 'any-client',
    method: registration?.authentication[0]?.kind ?? (test.gateway === undefined ? 'private_key_jwt' : 'gateway'),
    rights: registration?.rights ?? everything,
  })
}

const mayPresent = ({ rights }: Client, name: string): boolean => matcherOf(rights.sources)(name)

const utf8 = new TextEncoder()
const encoded = (value: Claims): string => encodeBase64url(utf8.encode(JSON.stringify(value)))

/** The claims as the payload of a JWS, so that they pass the same strict reader as a token. Nobody looks at the signature. */
const bareToken = (claims: Claims): string =>
  `${encoded({ alg: 'ES256' })}.${encoded(claims)}.${encodeBase64url(new Uint8Array(64))}`

/** Every rehearsed request comes over a certificate, so that rules which bind tokens to one can be played. */
const certificate = heldBy({ chain: [new Uint8Array()], thumbprint: 'rehearsal'.padEnd(43, '-'), via: 'tls' })

type Unsigned = typeof oidc
type Presented = Parameters<Unsigned['issuerOf']>[0]
type Prepared = Parameters<Unsigned['keySets']>[0]

/** The verifier of OIDC tokens without the signature: all else is its own. */
const unsigned: Unsigned = {
  ...oidc,
  verify: async (presented: Presented, { config }: Prepared, now) => {
    const issuer = oidc.issuerOf(presented) ?? ''
    if (!presented.signed || !issuersOf(config).includes(issuer))
      throw new Refusal('issuer.unknown', 'the map does not name this issuer')
    const { form, jws, claims } = presented
    return proven({
      kind: oidc.kind,
      issuer,
      claims,
      header: {},
      ...checkOidcClaims(form, jws.header, claims, config, now),
    })
  },
}

/** The sources that the test may mean. Where it names no client, a source's own list of clients is not judged either. */
const sourcesFor = ({ client, source }: PolicyTest, trust: Trust): Sources =>
  sourcesOf(
    enabledMaps(trust)
      .filter((trustMap) => trustMap.source.kind === oidc.kind && (source ?? trustMap.name) === trustMap.name)
      .map((trustMap) => sourceFor(trustMap, client !== undefined)),
  )

const sourceFor = (trustMap: TrustMap, judgesClients: boolean): Source => {
  const config = trustMap.source.config as OidcConfig
  const clients = judgesClients ? config.clients : undefined
  return {
    map: trustMap.name,
    verifier: unsigned,
    prepared: { config, keySets: new Map() } satisfies Prepared,
    issuers: unsigned.issuers(config),
    audiences: unsigned.audiences(config),
    ...(clients === undefined ? {} : { clients }),
  }
}

const rehearsalKey = { algorithm: 'ES256' } as SigningKey

/** A key that signs nothing but has a header of the usual length, so that the claim budget is that of a real token. */
const keyring: Keyring = {
  signers: [
    {
      kid: 'rehearsal',
      createdAt: 0,
      activeFrom: 0,
      key: rehearsalKey,
      jwk: {},
      header: encoded({ alg: 'ES256', typ: 'at+jwt', kid: 'k'.repeat(43) }),
      svidHeader: encoded({ alg: 'ES256', typ: 'JWT', kid: 'k'.repeat(43) }),
      sealing: new Uint8Array(32),
    },
  ],
  overlap: defaultOverlap,
}

/** Who issues in a rehearsal. */
const ourselves = 'https://dragoman.example'

const nowhere = () => Promise.reject(new Error('a rehearsal reaches for nothing outside'))

const toolsFor = ({ digest, now }: Stage): Tools => {
  const ports: Ports = {
    clock: { now: () => now },
    http: { send: nowhere },
    files: { read: nowhere, readBytes: nowhere },
    secrets: { read: nowhere },
    signatures: {
      supported: new Set(),
      importPublicKey: nowhere,
      importPrivateKey: nowhere,
      generate: nowhere,
      verify: nowhere,
      sign: async () => new Uint8Array(64),
    },
    certificateSignatures: { verify: nowhere },
    decryption: { importPrivateKey: nowhere, unwrap: nowhere, open: nowhere },
    digest,
    ids: { next: () => 'rehearsal' },
    replay: { once: nowhere, check: nowhere },
    rateLimits: { take: nowhere },
    audit: { record: () => undefined },
    log: { info: () => undefined, warn: () => undefined },
    meters: silentMeters,
    credentials: createMemoryCredentials(),
  }
  const noKeys: KeySet = {
    candidates: nowhere,
    stillOffers: () => undefined,
    prefetch: nowhere,
    state: () => 'missing',
  }
  return { issuer: ourselves, ports, outbound: { fetch: nowhere }, keySets: { open: () => noKeys }, ownKeys: noKeys }
}
