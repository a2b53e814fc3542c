import { createHash, randomBytes } from 'node:crypto'
import { Command, InvalidArgumentError, Option } from 'commander'
import { apiVersion } from '../formats/document-head.ts'
import { name as documentName } from '../formats/settings.ts'
import { print, printJson, say } from './terminal.ts'
import { yamlList } from './yaml-scalar.ts'

interface SecretOptions {
  readonly client?: string
  readonly source: readonly string[]
  readonly audience: readonly string[]
  readonly scope: readonly string[]
  readonly output: 'text' | 'json'
}

/** A secret for a client, and what may stand in its document. */
export interface ClientSecret {
  readonly secret: string
  /** base64url SHA-256 of the secret: enough to recognize it, too little to present it. */
  readonly sha256: string
}

/** 32 random bytes: far too many to guess, so that a bare SHA-256 of them gives nothing away. */
export const newClientSecret = (): ClientSecret => {
  const secret = randomBytes(32).toString('base64url')
  return { secret, sha256: createHash('sha256').update(secret).digest('base64url') }
}

/** `dragoman secret`: a new client secret. Nothing keeps it: it is shown once. */
export const createSecretCommand = (): Command =>
  new Command('secret')
    .addOption(
      new Option('--client <name>', 'print a whole Client document; the secret goes to stderr').argParser(parseName),
    )
    .addOption(listOption('--source <map>', 'a trust map whose tokens the client may present'))
    .addOption(listOption('--audience <audience>', 'an audience it may ask tokens for'))
    .addOption(listOption('--scope <scope>', 'a scope it may ask for'))
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Examples:
  dragoman secret
  dragoman secret --client edge --source github --audience https://deploy.example > trust-maps/edge.yaml`,
    )
    .action(makeSecret)

const listOption = (flags: string, description: string): Option =>
  new Option(flags, `${description}; may be repeated`)
    .default([], 'none')
    .argParser((value: string, previous: readonly string[]) => [...previous, value])

const parseName = (text: string): string => {
  if (documentName.safeParse(text).success) return text
  throw new InvalidArgumentError('a name is lower-case letters, digits and hyphens, at most 63.')
}

const makeSecret = (options: SecretOptions): void => {
  const made = newClientSecret()
  if (options.client !== undefined) {
    print(clientDocument(options.client, made.sha256, options))
    say(`the secret of ${options.client}, shown this once: ${made.secret}`)
  } else if (options.output === 'json') {
    printJson(made)
  } else {
    print(`secret: ${made.secret}\nsha256: ${made.sha256}`)
    say('give the secret to the client; put the sha256 into its Client document: secrets: [ { sha256: … } ]')
  }
}

const clientDocument = (name: string, sha256: string, { source, audience, scope }: SecretOptions): string =>
  `# yaml-language-server: $schema=../schema/trust-maps.schema.json
apiVersion: ${apiVersion}
kind: Client
metadata: { name: ${name} }
spec:
  authentication:
    - method: client_secret_basic
      secrets: [{ sha256: ${sha256} }]
  may:
    sources: ${yamlList(source)}
    audiences: ${yamlList(audience)}
    scopes: ${yamlList(scope)}`
