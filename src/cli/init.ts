import { join, relative } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { FormatError } from '../formats/format-error.ts'
import { name as documentName } from '../formats/settings.ts'
import { jwsAlgorithms } from '../ports/signatures.ts'
import { createNodeHttp } from '../runtimes/node/http.ts'
import { discover, endpointOf } from '../sources/discovery.ts'
import { type JsonDocument, StatusError } from '../sources/json-document.ts'
import { createOutbound } from '../sources/outbound.ts'
import { documentNameFrom } from './document-name.ts'
import { CommandError, exitCodes } from './exit-codes.ts'
import { caMapText, caTestText, draftFromCa } from './init-ca.ts'
import { complaint, remedy } from './init-complaints.ts'
import { type MapDraft, mapText, testText } from './init-documents.ts'
import { caNextSteps, issuerNextSteps, samlNextSteps, type Written } from './init-next-steps.ts'
import { guessProfile, profiles, tenantOf } from './init-profiles.ts'
import { draftFromMetadata } from './init-saml.ts'
import { samlMapText, samlTestText } from './init-saml-documents.ts'
import { samlProfiles } from './init-saml-profiles.ts'
import { writeNewFiles } from './new-files.ts'
import { isLoopback, parseIssuer } from './options.ts'
import { print, printable } from './terminal.ts'

interface InitOptions {
  readonly issuer?: string
  readonly ca?: string
  readonly metadata?: string
  readonly entityId?: string
  readonly audience?: string
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
      new Option('--metadata <url or file>', 'the SAML metadata of the identity provider to believe').conflicts(
        'issuer',
      ),
    )
    .addOption(
      new Option('--entity-id <id>', 'which identity provider, where the metadata describes several').conflicts([
        'issuer',
        'ca',
      ]),
    )
    .addOption(
      new Option('--ca <file>', 'the certificate authority to believe, in PEM: for client certificates').conflicts([
        'issuer',
        'metadata',
      ]),
    )
    .addOption(
      new Option(
        '--audience <aud>',
        'what tokens or assertions that are meant for you name as their audience; by default dragoman, of assertions ' +
          samlAudience,
      ),
    )
    .addOption(new Option('--dir <folder>', 'where to write').env('DRAGOMAN_TRUST_MAPS').default('trust-maps'))
    .addOption(
      new Option('--name <name>', 'the name of the map and its files; by default from the issuer').argParser(parseName),
    )
    .addOption(
      new Option('--preset <preset>', 'what kind of provider it is; by default guessed').choices([
        ...new Set([...Object.keys(profiles), ...Object.keys(samlProfiles)]),
      ]),
    )
    .option('--allow-private', 'what is fetched lies in a private network: permit its host, here and in the map')
    .addHelpText(
      'after',
      `
Writes NAME.yaml and NAME_test.yaml, and never over a file that is there.

Examples:
  dragoman init --issuer https://token.actions.githubusercontent.com --audience https://dragoman.example.com
  dragoman init --issuer https://sso.example.com/realms/staff --name staff
  dragoman init --metadata https://sts.example.com/FederationMetadata/2007-06/FederationMetadata.xml
  dragoman init --metadata federation.xml --entity-id https://idp.example.org/idp/shibboleth
  dragoman init --ca partner-ca.pem --name partner`,
    )
    .action(init)

/** An entity ID is a URL by custom. */
const samlAudience = 'https://dragoman.example.com'

const parseName = (text: string): string => {
  if (documentName.safeParse(text).success) return text
  throw new InvalidArgumentError('a name is lower-case letters, digits and hyphens, at most 63.')
}

const init = async (options: InitOptions): Promise<void> => {
  const { issuer, ca, metadata, entityId } = options
  if (entityId !== undefined && metadata === undefined)
    throw new CommandError('--entity-id goes with --metadata', exitCodes.usage)
  if (ca !== undefined) return initFromCa(ca, options)
  if (metadata !== undefined) return initFromMetadata(metadata, options)
  if (issuer !== undefined) return initFromIssuer({ ...options, issuer })
  throw new CommandError('name whom to believe: --issuer URL, --metadata URL or FILE, or --ca FILE', exitCodes.usage)
}

/** The map and its test are named alike. */
const fileNames = (name: string) => ({ map: `${name}.yaml`, test: `${name}_test.yaml` })

const writtenTo = (dir: string, name: string): Written => {
  const { map, test } = fileNames(name)
  return { map: join(dir, map), test: join(dir, test), dir }
}

/** The authority's certificate is copied beside the map, so that the folder is all that a deployment needs. */
const initFromCa = async (ca: string, { name, dir }: InitOptions): Promise<void> => {
  const draft = await draftFromCa(ca, name, schemaFrom(dir))
  const { map, test } = fileNames(draft.name)
  await writeNewFiles(dir, { [draft.anchors]: draft.pem, [map]: caMapText(draft), [test]: caTestText(draft) })
  print(printable(caNextSteps(draft, writtenTo(dir, draft.name))))
}

/** So is metadata that came from a file. */
const initFromMetadata = async (metadata: string, options: InitOptions): Promise<void> => {
  const { dir, audience = samlAudience } = options
  const draft = await draftFromMetadata({ ...options, metadata, audience, schema: schemaFrom(dir) })
  const { map, test } = fileNames(draft.name)
  const copied = 'metadataFile' in draft.place ? { [draft.place.metadataFile]: draft.xml } : {}
  await writeNewFiles(dir, { ...copied, [map]: samlMapText(draft), [test]: samlTestText(draft) })
  print(printable(samlNextSteps(draft, writtenTo(dir, draft.name))))
}

const initFromIssuer = async (options: IssuerOptions): Promise<void> => {
  const discovered = await readDiscovery(options)
  const preset = options.preset ?? guessProfile(options.issuer, endpointOf(discovered, 'jwks_uri'))
  const draft = draftFor(options, preset, discovered)
  const { map, test } = fileNames(draft.name)
  await writeNewFiles(options.dir, { [map]: mapText(draft), [test]: testText(draft) })
  print(printable(issuerNextSteps(draft, writtenTo(options.dir, draft.name))))
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
    throw new CommandError(`${complaint(cause)}; ${issuerRemedy(cause)}`, exitCodes.failure, { cause })
  }
}

const issuerRemedy = (cause: unknown): string => {
  if (cause instanceof StatusError && cause.status === 404)
    return 'the issuer is the part before /.well-known/openid-configuration'
  return cause instanceof FormatError ? 'give the issuer exactly as its tokens say it in iss' : remedy(cause)
}

const draftFor = (options: IssuerOptions, preset: string, discovered: JsonDocument): MapDraft => {
  const { issuer, audience = 'dragoman', dir, allowPrivate } = options
  const profile = profiles[preset]
  if (profile === undefined) throw new CommandError(`the preset ${preset} is not one for tokens`, exitCodes.usage)
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
  return documentNameFrom(`${url.hostname}${url.pathname}`)
}

/** The algorithms that both sides know; MACs and `none` are not among ours. */
const algorithmsOf = ({ members }: JsonDocument): readonly string[] => {
  const offered = members['id_token_signing_alg_values_supported']
  if (!Array.isArray(offered)) return ['RS256']
  const common = jwsAlgorithms.filter((algorithm) => offered.includes(algorithm))
  if (common.length > 0) return common
  throw new CommandError(`the issuer signs with none of ${jwsAlgorithms.join(', ')}; dragoman cannot verify its tokens`)
}
