import { type Paint, printable } from './terminal.ts'

/** What `dragoman dev` tells whoever started it. */
export interface Welcome {
  /** Where dragoman listens. */
  readonly url: string
  /** Where the demo issuer hands out tokens. */
  readonly demo: string
  /** The header and claims of the token that the first exchange yielded. */
  readonly token: { readonly header: unknown; readonly claims: unknown }
  /** The demo world is where its documents look for it, so that other commands find it as well. */
  readonly isAtItsPlace: boolean
  /** How this program is called. */
  readonly invocation: string
}

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const idToken = 'urn:ietf:params:oauth:token-type:id_token'

/** The one exchange that is shown first; the curl below says the same. */
export const firstExchange = { person: 'alice', audience: 'https://orders.demo.example' } as const

/** The form of an exchange of `subjectToken`. */
export const exchangeForm = (subjectToken: string, audience: string) => ({
  grant_type: tokenExchange,
  subject_token_type: idToken,
  subject_token: subjectToken,
  audience,
})

/** The client of the demo documents; the secret guards nothing. */
export const demoClient = { id: 'demo-client', secret: 'demo-secret' } as const

/** The text of the welcome: what runs, a command to paste, what it yields, and what to try next. */
export const welcomeText = (welcome: Welcome, paint: Paint): string => {
  const { url, demo, token } = welcome
  return [
    `${paint('bold', 'dragoman runs')} at ${url}, and beside it a demo issuer at ${demo} that hands out test tokens.`,
    '',
    `${paint('bold', 'Exchange a token.')} Paste this into another terminal:`,
    '',
    indented(curl(url, `${demo}/tokens/${firstExchange.person}`, firstExchange.audience)),
    '',
    `${paint('bold', 'It answers with a canonical token.')} This one was just made so; its header and claims:`,
    '',
    indented(coloured(token.header, paint)),
    indented(coloured(token.claims, paint)),
    '',
    ...nextSteps(welcome, paint),
  ].join('\n')
}

const curl = (url: string, tokenUrl: string, audience: string): string =>
  [
    `curl -s -u ${demoClient.id}:${demoClient.secret} ${url}/token`,
    `  -d grant_type=${tokenExchange}`,
    `  -d subject_token_type=${idToken}`,
    `  -d subject_token="$(curl -s '${tokenUrl}')"`,
    `  -d audience=${audience}`,
  ].join(' \\\n')

const nextSteps = ({ url, demo, isAtItsPlace, invocation }: Welcome, paint: Paint): readonly string[] => {
  const topic = `${demo}/tokens/ci?ref=refs/heads/topic`
  return [
    `${paint('bold', 'Then try one that is refused')}, a CI job on a branch that may not deploy; this terminal explains why:`,
    '',
    indented(curl(url, topic, 'https://deploy.demo.example')),
    '',
    `Other tokens: ${['bob', 'mallory', 'ci'].map((who) => `${demo}/tokens/${who}`).join(', ')}.`,
    'The documents that decide are in trust-maps/demo.yaml; a change is in force within a second.',
    '',
    paint('bold', 'Next:'),
    ...(isAtItsPlace ? [`  curl -s ${demo}/tokens/mallory | ${invocation} explain --insecure-loopback`] : []),
    `  ${invocation} check && ${invocation} test --coverage`,
    `  ${invocation} init --issuer https://your-issuer.example`,
    '',
    paint('dim', 'Stop with Ctrl-C.'),
  ]
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ')

/** JSON with its member names set off. */
const coloured = (value: unknown, paint: Paint): string =>
  printable(JSON.stringify(value, undefined, 2)).replaceAll(/^( *)("[^"]*")(:)/gm, (_, indent, name, colon) =>
    [indent, paint('cyan', name), colon].join(''),
  )
