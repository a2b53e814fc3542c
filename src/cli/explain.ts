import { Argument, Command, Option } from 'commander'
import type { Claims } from '../domain/claims.ts'
import { type TokenType, tokenTypes } from '../domain/token-type.ts'
import { FormatError } from '../formats/format-error.ts'
import { claimsOf, parseCompactJws } from '../formats/jws.ts'
import { type AssertionFacts, assertionSaid, claimsSaid, factsOf } from './assertion-facts.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { createExplainEgressCommand } from './explain-egress.ts'
import { addWalkOptions, mayShow, openDeskFor, readToken, type WalkOptions } from './explain-options.ts'
import { explanationOf } from './explanation.ts'
import { factLines, notesOn } from './explanation-saml.ts'
import { explanationText } from './explanation-text.ts'
import { assertionGiven, type GivenAssertion } from './given-assertion.ts'
import { paintFor, print, printJson } from './terminal.ts'
import { type Walk, walk } from './walk.ts'
import { resultLines, resultOf } from './walk-result.ts'

const types = {
  id_token: tokenTypes.idToken,
  access_token: tokenTypes.accessToken,
  jwt: tokenTypes.jwt,
  saml2: tokenTypes.saml2,
  'x509-chain': tokenTypes.x509Chain,
} as const

interface ExplainOptions extends WalkOptions {
  readonly type?: keyof typeof types
  readonly client?: string
  readonly audience: readonly string[]
}

/** `dragoman explain`: one token through the whole journey, check by check. Nothing is issued and nothing is logged. */
export const createExplainCommand = (): Command =>
  addWalkOptions(
    new Command('explain')
      .addArgument(
        new Argument('[token]', '- for standard input (default), @FILE, or the token, which shells remember'),
      )
      .addOption(
        new Option('--type <type>', 'the subject_token_type; by default what fits').choices(Object.keys(types)),
      )
      .option('--client <client_id>', 'as this client; by default as one that may ask for everything')
      .addOption(
        new Option('--audience <audience>', 'the audience or resource to ask for; may be repeated')
          .default([], 'none')
          .argParser((value: string, previous: readonly string[]) => [...previous, value]),
      ),
  )
    .addCommand(createExplainEgressCommand())
    .enablePositionalOptions()
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
  dragoman explain egress --token @ours.jwt --url https://api.partner.example/    the way out
  dragoman explain @yesterday.jwt --at 2026-12-01T12:00:00Z --keys-file issuer.jwks.json`,
    )
    .action(explain)

const explain = async (source: string | undefined, options: ExplainOptions, { args }: Command): Promise<void> => {
  if (args.length > 1) throw new CommandError('explain takes one token; is it broken by white space?', exitCodes.usage)
  const text = await readToken(source)
  const assertion = assertionGiven(text)
  const desk = await openDeskFor(options, 'in')
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
