import { constants } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { FormatError } from '../formats/format-error.ts'
import { name as documentName } from '../formats/settings.ts'
import { jwsAlgorithms } from '../ports/signatures.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { discover, endpointOf } from '../sources/discovery.ts'
import { type JsonDocument, StatusError } from '../sources/json-document.ts'
import { createOutbound, OutboundError } from '../sources/outbound.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { type CaDraft, caMapText, caTestText, draftFromCa } from './init-ca.ts'
import { type MapDraft, mapText, serviceAudience, testText } from './init-documents.ts'
import { guessProfile, profiles, tenantOf } from './init-profiles.ts'
import { isLoopback, parseIssuer } from './options.ts'
import { invocation, print, printable, shellWord } from './terminal.ts'

interface InitOptions {
  readonly issuer?: string
  readonly ca?: string
  readonly audience: string
  readonly dir: string
  readonly name?: string
  readonly preset?: string
  readonly allowPrivate?: true
}

type IssuerOptions = InitOptions & { readonly issuer: string }

/** `dragoman init`: a first trust map with its test, from what an issuer says about itself, or from an authority's certificate. */
export const createInitCommand = (): Command =>
  new Command('init')
    .addOption(new Option('--issuer <url>', 'the issuer to believe').argParser(parseIssuer))
    .addOption(
      new Option('--ca <file>', 'the certificate authority to believe, in PEM: for client certificates').conflicts(
        'issuer',
      ),
    )
    .addOption(
      new Option('--audience <aud>', 'what stands in aud of the tokens that are meant for you').default('dragoman'),
    )
    .addOption(new Option('--dir <folder>', 'where to write').env('DRAGOMAN_TRUST_MAPS').default('trust-maps'))
    .addOption(
      new Option('--name <name>', 'the name of the map and its files; by default from the issuer').argParser(parseName),
    )
    .addOption(
      new Option('--preset <preset>', 'what kind of provider it is; by default guessed').choices(Object.keys(profiles)),
    )
    .option('--allow-private', 'the issuer lies in a private network: permit its host, here and in the map')
    .addHelpText(
      'after',
      `
Writes NAME.yaml and NAME_test.yaml, and never over a file that is there.

Examples:
  dragoman init --issuer https://token.actions.githubusercontent.com --audience https://dragoman.example.com
  dragoman init --issuer https://sso.example.com/realms/staff --name staff
  dragoman init --ca partner-ca.pem --name partner`,
    )
    .action(init)

const parseName = (text: string): string => {
  if (documentName.safeParse(text).success) return text
  throw new InvalidArgumentError('a name is lower-case letters, digits and hyphens, at most 63.')
}

const init = async (options: InitOptions): Promise<void> => {
  const { issuer, ca } = options
  if (ca !== undefined) return initFromCa(ca, options)
  if (issuer === undefined) throw new CommandError('name whom to believe: --issuer URL or --ca FILE', exitCodes.usage)
  return initFromIssuer({ ...options, issuer })
}

/** The authority's certificate is copied beside the map, so that the folder is all that a deployment needs. */
const initFromCa = async (ca: string, { name, dir }: InitOptions): Promise<void> => {
  const draft = await draftFromCa(ca, name, schemaFrom(dir))
  const map = join(dir, `${draft.name}.yaml`)
  const test = join(dir, `${draft.name}_test.yaml`)
  const anchors = join(dir, draft.anchors)
  await mkdir(dir, { recursive: true })
  await requireNew([map, test, anchors])
  await writeNew(anchors, draft.pem)
  await writeNew(map, caMapText(draft))
  await writeNew(test, caTestText(draft))
  print(printable(caNextSteps(draft, { map, test, dir })))
}

const initFromIssuer = async (options: IssuerOptions): Promise<void> => {
  const discovered = await readDiscovery(options)
  const preset = options.preset ?? guessProfile(options.issuer, endpointOf(discovered, 'jwks_uri'))
  const draft = draftFor(options, preset, discovered)
  const map = join(options.dir, `${draft.name}.yaml`)
  const test = join(options.dir, `${draft.name}_test.yaml`)
  await mkdir(options.dir, { recursive: true })
  await requireNew([map, test])
  await writeNew(map, mapText(draft))
  await writeNew(test, testText(draft))
  print(printable(nextSteps(draft, { map, test, dir: options.dir, preset })))
}

const hostOf = (issuer: string): string => new URL(issuer).host

const readDiscovery = async ({ issuer, allowPrivate }: IssuerOptions): Promise<JsonDocument> => {
  const allowHosts = allowPrivate === true ? [hostOf(issuer)] : []
  const outbound = createOutbound(createNodeHttp(), { insecureLoopback: isLoopback(new URL(issuer)) })
  try {
    const document = await discover({ issuer, allowHosts }, outbound)
    endpointOf(document, 'jwks_uri')
    return document
  } catch (cause) {
    throw new CommandError(`${complaint(cause)}; ${remedy(cause)}`, exitCodes.failure, { cause })
  }
}

const complaint = (cause: unknown): string =>
  cause instanceof Error ? cause.message : 'the discovery document cannot be read'

const remedy = (cause: unknown): string => {
  if (cause instanceof OutboundError && cause.kind === 'refused')
    return 'or, if that is your own network: --allow-private'
  if (cause instanceof StatusError && cause.status === 404)
    return 'the issuer is the part before /.well-known/openid-configuration'
  if (cause instanceof FormatError) return 'give the issuer exactly as its tokens say it in iss'
  return 'check the URL'
}

const draftFor = (options: IssuerOptions, preset: string, discovered: JsonDocument): MapDraft => {
  const { issuer, audience, dir, allowPrivate } = options
  const profile = profiles[preset]
  if (profile === undefined) throw new CommandError(`there is no preset ${preset}`, exitCodes.usage)
  if (preset === 'entra-v2' && tenantOf(issuer) === '')
    throw new CommandError('an issuer of entra-v2 is https://login.microsoftonline.com/TENANT/v2.0', exitCodes.usage)
  return {
    name: options.name ?? nameFor(issuer, preset),
    issuer,
    audience,
    profile,
    algorithms: profile.preset === undefined ? algorithmsOf(discovered) : [],
    schema: schemaFrom(dir),
    ...(allowPrivate === true ? { allowHost: hostOf(issuer) } : {}),
  }
}

const schemaFrom = (dir: string): string => `${relative(dir, 'schema').replaceAll('\\', '/')}/trust-maps.schema.json`

/** `github-actions`, or `sso-example-com`, or `local` for an issuer on this machine. */
const nameFor = (issuer: string, preset: string): string => {
  if (preset !== 'generic') return preset
  const url = new URL(issuer)
  if (isLoopback(url)) return 'local'
  const words = `${url.hostname}${url.pathname}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return words.replaceAll(/^-|-$/g, '').slice(0, 58).replace(/-$/, '')
}

/** The algorithms that both sides know; MACs and `none` are not among ours. */
const algorithmsOf = ({ members }: JsonDocument): readonly string[] => {
  const offered = members['id_token_signing_alg_values_supported']
  if (!Array.isArray(offered)) return ['RS256']
  const common = jwsAlgorithms.filter((algorithm) => offered.includes(algorithm))
  if (common.length > 0) return common
  throw new CommandError(`the issuer signs with none of ${jwsAlgorithms.join(', ')}; dragoman cannot verify its tokens`)
}

const requireNew = async (paths: readonly string[]): Promise<void> => {
  for (const path of paths) {
    const isThere = await access(path, constants.F_OK).then(
      () => true,
      () => false,
    )
    if (isThere) throw new CommandError(`${path} is there already and stays as it is; choose another --name`)
  }
}

const writeNew = (path: string, text: string): Promise<void> => writeFile(path, text, { flag: 'wx' })

interface Written {
  readonly map: string
  readonly test: string
  readonly dir: string
}

/** What to do next, as commands to paste. */
const caNextSteps = ({ name, anchors }: CaDraft, { map, test, dir }: Written): string => {
  const folder = shellWord(dir)
  return `wrote ${map} and ${test}, with the authority in ${join(dir, anchors)}

1. Decide the lines of ${map} that say so, and judge it:
     ${invocation} check ${folder} && ${invocation} test ${folder}
     ${invocation} explain @client.pem --trust-maps ${folder}
2. Say who may present these certificates: a Client with tls_client_auth that comes with its own, or a gateway that sees
   others' and has the right presentCertificates. Both are in docs/client-certificates.md; sources: [${name}]
3. Serve, asking for client certificates:
     ${invocation} keys generate
     ${invocation} serve --issuer https://dragoman.example.com --trust-maps ${folder} \\
       --tls-cert listener.pem --tls-key listener.key --client-ca any`
}

/** What to do next, as commands to paste. */
const nextSteps = (
  { name, issuer, audience }: MapDraft,
  { map, test, dir, preset }: Written & { readonly preset: string },
): string => {
  const isPlain = new URL(issuer).protocol === 'http:'
  const folder = shellWord(dir)
  const judging = isPlain ? `${folder} --insecure-loopback` : folder
  const url = isPlain ? 'http://127.0.0.1:8693' : 'https://dragoman.example.com'
  const serving = isPlain
    ? [`${invocation} dev --no-demo --trust-maps ${folder}`]
    : [`${invocation} keys generate`, `${invocation} serve --issuer ${url} --trust-maps ${folder}`]
  return `wrote ${map} and ${test}${preset === 'generic' ? '' : `, by the preset ${preset}`}

1. Decide the lines of ${map} that say so, and judge it:
     ${invocation} check ${judging} && ${invocation} test ${judging}
2. Let a caller in; its secret appears once, in your terminal:
     ${invocation} secret --client my-service --source ${name} --audience ${serviceAudience} > ${shellWord(join(dir, 'my-service.yaml'))}
3. Serve${isPlain ? '; plain http is for development only' : ''}:
     ${serving.join('\n     ')}
4. Exchange a token of ${issuer} for ${audience}:
     curl -s -u my-service:SECRET ${url}/token \\
       -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \\
       -d subject_token_type=urn:ietf:params:oauth:token-type:id_token \\
       -d subject_token="$TOKEN" -d audience=${serviceAudience}
   If it is refused, ask why:
     printenv TOKEN | ${invocation} explain --trust-maps ${judging}`
}
