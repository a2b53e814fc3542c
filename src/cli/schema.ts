import { Command } from 'commander'
import { trustJsonSchema } from '../trust.ts'
import { printJson } from './terminal.ts'

/** `dragoman schema`: what editors complete and check documents with. */
export const createSchemaCommand = (): Command =>
  new Command('schema')
    .addHelpText(
      'after',
      `
Examples:
  dragoman schema > schema/trust-maps.schema.json
  # yaml-language-server: $schema=../schema/trust-maps.schema.json     as the first line of a document`,
    )
    .action(() => printJson(trustJsonSchema()))
