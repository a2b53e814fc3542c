import { styleText } from 'node:util'
import { plainText } from '../runtimes/node/lines.ts'

/** Data, for the next program or for a person. */
export const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

/** Messages about what happens. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** A value as JSON that a person can read too. */
export const printJson = (value: unknown): void => print(printable(JSON.stringify(value, undefined, 2)))

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Sets `text` off where its reader can see that. */
export type Paint = (style: Style, text: string) => string

/** Colours for a terminal; none elsewhere, and none under NO_COLOR. */
export const paintFor =
  (stream: NodeJS.WriteStream): Paint =>
  (style, text) =>
    styleText(style, text, { stream })

/** `text` line by line without what would move a cursor or change the direction of writing. */
export const printable = (text: string): string => text.split('\n').map(plainText).join('\n')

/** `text` as one word of a shell's command line. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** How the reader calls this program: from a checkout, by the script of that name. */
export const invocation = process.env['npm_lifecycle_event'] === undefined ? 'dragoman' : 'npm run -s dragoman --'
