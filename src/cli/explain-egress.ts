import { Command, Option } from 'commander'
import type { OutgoingRequest } from '../domain/partner.ts'
import { describedRequest } from '../formats/described-request.ts'
import { FormatError } from '../formats/format-error.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { addWalkOptions, mayShow, openDeskFor, readToken, type WalkOptions } from './explain-options.ts'
import { explanationOf } from './explanation.ts'
import { explanationText } from './explanation-text.ts'
import { paintFor, print, printable, printJson } from './terminal.ts'
import { type PartnerFacts, walkOut } from './walk-out.ts'
import { resultLines, resultOf } from './walk-result.ts'

interface EgressOptions extends WalkOptions {
  readonly token?: string
  readonly url: string
  readonly method: string
  readonly gateway?: string
}

/** `dragoman explain egress`: a request on its way out, check by check. No credential is obtained. */
export const createExplainEgressCommand = (): Command =>
  addWalkOptions(
    new Command('egress')
      .description('walk a request on its way out: which partner, may they, and what would be presented')
      .option('--token <token>', 'our token: - for standard input (default), @FILE, or the token itself')
      .addOption(new Option('--url <url>', 'where the request goes, as it is sent').makeOptionMandatory())
      .option('--method <method>', 'the method of the request', 'GET')
      .option('--gateway <name>', 'the Gateway document; by default the only one at the way out'),
  )
    .addHelpText(
      'after',
      `
Exits with 0 when the partner's credential would be given, with 1 when it would be refused. Nothing is obtained, and no
secret is read.

Example:
  dragoman explain egress --token @ours.jwt --url https://api.stripe.com/v1/charges --issuer https://dragoman.example.com`,
    )
    .action(explainEgress)

const explainEgress = async (options: EgressOptions): Promise<void> => {
  const { gateway, reveal = false } = options
  const request = requestOf(options)
  const token = await readToken(options.token)
  const desk = await openDeskFor(options, 'out')
  const walked = await walkOut({ token, request, ...(gateway === undefined ? {} : { gateway }) }, desk)
  const explanation = explanationOf(walked.trace, desk.trust, {
    mayShow: (seen) => mayShow(seen, reveal),
    placeOf: ({ file, line, column }) => `${file}:${line}:${column}`,
  })
  if (explanation.decision === 'refused') process.exitCode = exitCodes.failure
  const result = resultOf(walked, reveal)
  const { partner } = walked
  if (options.output === 'json') printJson({ ...explanation, ...(partner && { partner }), ...result })
  else
    print(
      [
        explanationText(explanation, paintFor(process.stdout)),
        ...(partner === undefined ? [] : partnerLines(partner)),
        ...resultLines(result),
      ].join('\n'),
    )
}

const requestOf = ({ url, method }: EgressOptions): OutgoingRequest => {
  const text = JSON.stringify({ gateway: '-', method, url })
  try {
    return describedRequest(text).request
  } catch (cause) {
    if (cause instanceof FormatError) throw new CommandError(`--url or --method: ${cause.message}`, exitCodes.usage)
    throw cause
  }
}

const partnerLines = ({ name, kinds, perIdentity, set, remove, query }: PartnerFacts): readonly string[] => [
  '',
  `  partner   ${printable(name)}: ${kinds.join(', with ')}${perIdentity ? ', one for each identity' : ''}`,
  ...(set.length === 0 ? [] : [`            sets ${set.join(', ')}`]),
  ...(query.length === 0 ? [] : [`            sets in the query ${query.join(', ')}`]),
  `            removes ${remove.join(', ')}`,
]
