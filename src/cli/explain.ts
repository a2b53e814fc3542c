import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { type Claims, isLoggable } from '../domain/claims.ts'
import type { Instant } from '../domain/time.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import type { Seen } from '../domain/trace.ts'
import { FormatError } from '../formats/format-error.ts'
import { claimsOf, parseCompactJws } from '../formats/jws.ts'
import { createNodeDigest } from '../runtimes/node/digest.ts'
import { createNodeClock } from '../runtimes/node/platform.ts'
import { loadTrust } from '../trust.ts'
import { type AssertionFacts, assertionSaid, claimsSaid, factsOf } from './assertion-facts.ts'
import { gather } from './documents.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { explanationOf } from './explanation.ts'
import { factLines, notesOn } from './explanation-saml.ts'
import { explanationText } from './explanation-text.ts'
import { counted, faultsText } from './faults.ts'
import { assertionGiven, type GivenAssertion } from './given-assertion.ts'
import { insecureLoopback, mtlsAlias, ourIssuer, trustMapsFolder } from './options.ts'
import { paintFor, print, printable, printJson, say } from './terminal.ts'
import { openWalkDesk, type Walk, walk } from './walk.ts'
import { resultLines, resultOf } from './walk-result.ts'

const types = {
  id_token: tokenTypes.idToken,
  access_token: tokenTypes.accessToken,
  jwt: tokenTypes.jwt,
  saml2: tokenTypes.saml2,
  'x509-chain': tokenTypes.x509Chain,
} as const

interface ExplainOptions {
  readonly trustMaps: string
  readonly type?: keyof typeof types
  readonly client?: string
  readonly audience: readonly string[]
  readonly at?: Instant
  readonly keysFile?: string
  readonly issuer?: string
  readonly mtlsAlias?: string
  readonly reveal?: true
  readonly output: 'text' | 'json'
  readonly insecureLoopback?: boolean
}

/** `dragoman explain`: one token through the whole journey, check by check. Nothing is issued and nothing is logged. */
export const createExplainCommand = (): Command =>
  new Command('explain')
    .addArgument(new Argument('[token]', '- for standard input (default), @FILE, or the token, which shells remember'))
    .addOption(trustMapsFolder())
    .addOption(new Option('--type <type>', 'the subject_token_type; by default what fits').choices(Object.keys(types)))
    .option('--client <client_id>', 'as this client; by default as one that may ask for everything')
    .addOption(
      new Option('--audience <audience>', 'the audience or resource to ask for; may be repeated')
        .default([], 'none')
        .argParser((value: string, previous: readonly string[]) => [...previous, value]),
    )
    .addOption(new Option('--at <time>', 'as if it were this time: 2026-12-01T12:00:00Z').argParser(parseInstant))
    .option('--keys-file <file>', "verify with this JWK set in place of the issuer's")
    .addOption(ourIssuer('our issuer: assertions must be for its token endpoint, and tokens of ours name it'))
    .addOption(mtlsAlias())
    .option('--reveal', 'show the values of claims, whatever their label')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addOption(insecureLoopback())
    // The library would quote what is too much, and that may be a token.
    .allowExcessArguments(true)
    .addHelpText(
      'after',
      `
Exits with 0 when the token would be exchanged, with 1 when it would be refused.

Examples:
  dragoman explain @token.jwt --audience https://orders.example
  dragoman explain @client.pem                     a certificate and its intermediates, in PEM
  dragoman explain @response.xml --issuer https://dragoman.example.com    SAML: XML, base64, or a posted SAMLResponse
  pbpaste | dragoman explain --client edge --reveal
  dragoman explain @yesterday.jwt --at 2026-12-01T12:00:00Z --keys-file issuer.jwks.json`,
    )
    .action(explain)

const parseInstant = (text: string): Instant => {
  const time = /^\d{4}-\d\d-\d\dT.+(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new InvalidArgumentError('a time is written 2026-12-01T12:00:00Z.')
  return time / 1_000
}

const explain = async (source: string | undefined, options: ExplainOptions, { args }: Command): Promise<void> => {
  if (args.length > 1) throw new CommandError('explain takes one token; is it broken by white space?', exitCodes.usage)
  const text = await readToken(source)
  const assertion = assertionGiven(text)
  const desk = await openDeskFor(options)
  const possible = options.type === undefined ? typesOf(text, assertion) : [types[options.type]]
  const walked = await walkAsFits(assertion?.token ?? text, possible, options, desk)
  const { claims, facts, notes } =
    assertion === undefined ? saidByToken(text) : saidByAssertion(assertion, walked, options.issuer !== undefined)
  const explanation = explanationOf(walked.trace, desk.trust, {
    mayShow: (seen) => mayShow(seen, options.reveal === true),
    placeOf: ({ file, line, column }) => `${file}:${line}:${column}`,
    ...(claims === undefined ? {} : { presented: claims }),
  })
  if (explanation.decision === 'refused') process.exitCode = exitCodes.failure
  const result = resultOf(walked, options.reveal === true)
  if (options.output === 'json')
    printJson({ ...explanation, ...(facts && { assertion: facts }), ...(notes.length > 0 && { notes }), ...result })
  else
    print(
      [
        explanationText(explanation, paintFor(process.stdout)),
        ...notes.map((note) => `  note    ${note}`),
        ...(facts === undefined ? [] : factLines(facts)),
        ...resultLines(result),
      ].join('\n'),
    )
}

/** No error may quote the token. */
const readToken = async (source: string | undefined): Promise<string> => {
  if (source === undefined && process.stdin.isTTY)
    throw new CommandError('no token was given; pipe it in, or name a file: dragoman explain @FILE', exitCodes.usage)
  const given = await tokenText(source)
  const token = given.trim().replace(/^bearer +/i, '')
  if (token === '') throw new CommandError('the token is empty', exitCodes.usage)
  return token
}

const tokenText = async (source: string | undefined): Promise<string> => {
  if (source === undefined || source === '-') return textOf(process.stdin)
  if (!source.startsWith('@')) return source
  try {
    return await readFile(source.slice(1), 'utf8')
  } catch (cause) {
    throw new CommandError('there is no such file to read after the @', exitCodes.failure, { cause })
  }
}

const openDeskFor = async (options: ExplainOptions) => {
  const { trustMaps, at, keysFile, issuer, mtlsAlias: alias, insecureLoopback: loopback = false } = options
  const { files, texts } = await gather([trustMaps])
  const world = loopback ? 'dev' : 'serve'
  const loaded = await loadTrust(files, { world, insecureLoopback: loopback, digest: createNodeDigest() })
  for (const notice of loaded.notices) say(printable(`dragoman: ${notice}; --insecure-loopback takes it in`))
  const place = { folder: trustMaps, now: at ?? createNodeClock().now(), insecureLoopback: loopback }
  const more = {
    ...(keysFile === undefined ? {} : { keysFile }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(alias === undefined ? {} : { mtlsAlias: alias }),
  }
  const opened = loaded.trust === undefined ? loaded.faults : await openWalkDesk(loaded.trust, { ...place, ...more })
  if ('trust' in opened) return opened
  say(faultsText(opened, texts))
  throw new CommandError(`${counted(opened.length, 'fault')} in the documents of ${trustMaps}`, exitCodes.faults)
}

type OpenDesk = Awaited<ReturnType<typeof openDeskFor>>

/** As the first of the types `possible` that the token is of. */
const walkAsFits = async (
  token: string,
  [first, ...others]: readonly TokenType[],
  { client, audience: targets }: ExplainOptions,
  desk: OpenDesk,
): Promise<Walk> => {
  const as = (type: TokenType) => walk({ token, type, targets, ...(client === undefined ? {} : { client }) }, desk)
  const walked = await as(first ?? tokenTypes.idToken)
  for (const type of isOfOtherType(walked) ? others : []) {
    const next = await as(type)
    if (!isOfOtherType(next)) return next
  }
  return walked
}

/** Certificates are in PEM, or begin as base64 of DER does; no token does. */
const typesOf = (text: string, assertion: GivenAssertion | undefined): readonly TokenType[] => {
  if (assertion !== undefined) return [tokenTypes.saml2]
  return /^(-----BEGIN |MII)/.test(text)
    ? [tokenTypes.x509Chain]
    : [tokenTypes.idToken, tokenTypes.accessToken, tokenTypes.jwt]
}

const isOfOtherType = ({ trace: { outcome } }: Walk): boolean =>
  outcome?.granted === false && outcome.reason.startsWith('credential.type_')

/** What the credential says of itself, which nobody believes before the trace says so. */
interface Said {
  readonly claims?: Claims
  readonly facts?: AssertionFacts
  readonly notes: readonly string[]
}

const saidByToken = (token: string): Said => {
  try {
    return { claims: claimsOf(parseCompactJws(token)), notes: [] }
  } catch (thrown) {
    if (thrown instanceof FormatError) return { notes: [] }
    throw thrown
  }
}

const saidByAssertion = (given: GivenAssertion, walked: Walk, knowsIssuer: boolean): Said => {
  const assertion = assertionSaid(given.xml, walked.trace)
  const notes = notesOn({ given, assertion, walked, knowsIssuer })
  if (assertion === undefined) return { notes }
  return { claims: claimsSaid(assertion), facts: factsOf(assertion, walked.trace.startedAt), notes }
}

const mayShow = ({ sensitivity }: Seen, reveal: boolean): boolean =>
  reveal || (sensitivity !== undefined && isLoggable(sensitivity))
