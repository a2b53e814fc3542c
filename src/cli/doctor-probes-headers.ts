import { identityHeaders } from '../formats/gateway-decision-settings.ts'
import { certificateFields, certificateLines, dialectFields } from './doctor-certificates.ts'
import { goneAltogether, identifiedAsEver, keptOut } from './doctor-expectations.ts'
import type { Probe } from './doctor-probe.ts'
import { byClient, spoofing, trustedHeaders } from './doctor-shots.ts'

/** What HTTP allows in a name beside letters, digits, hyphen and underscore (RFC 9110 section 5.6.2). */
const oddCharacters = "!#$%&'*+.^`|~".split('')

const { subject } = identityHeaders

/** `x-dRaGoMaN-…` */
const mixedCase = (name: string): string =>
  name.toLowerCase().replaceAll(/(.)(.)/g, (_, first: string, second: string) => first + second.toUpperCase())

const renamed = (names: readonly string[], character: string): readonly string[] =>
  names.map((name) => name.replaceAll('-', () => character))

/** Whether a client can write what only dragoman and the gateway may say. */
export const headerProbes: readonly Probe[] = [
  {
    name: 'spoofed-identity',
    severity: 'high',
    expectation: keptOut,
    why: 'Whoever can call the gateway can say who they are.',
    remedy: 'identity',
    shots: (kit) => [spoofing(kit, 'our headers', trustedHeaders(kit))],
  },
  {
    name: 'spoofed-twice',
    severity: 'high',
    expectation: keptOut,
    why: 'The gateway replaces one line of a header and leaves another to the service.',
    remedy: 'identity',
    shots: (kit) => [spoofing(kit, 'each twice', [...trustedHeaders(kit), ...trustedHeaders(kit)])],
  },
  {
    name: 'spoofed-other-case',
    severity: 'high',
    expectation: keptOut,
    why: 'The gateway knows its headers in one spelling, and services know them in any.',
    remedy: 'identity',
    shots: (kit) => [
      spoofing(
        kit,
        'small letters',
        trustedHeaders(kit).map((name) => name.toLowerCase()),
      ),
      spoofing(
        kit,
        'capital letters',
        trustedHeaders(kit).map((name) => name.toUpperCase()),
      ),
      spoofing(kit, 'both', trustedHeaders(kit).map(mixedCase)),
    ],
  },
  {
    name: 'spoofed-underscores',
    severity: 'high',
    expectation: keptOut,
    why: 'Services that read headers as CGI does take `_` for `-`: to them it is the same header.',
    remedy: 'names',
    shots: (kit) => [
      spoofing(kit, 'identity', renamed(trustedHeaders(kit), '_')),
      spoofing(
        kit,
        'one underscore',
        trustedHeaders(kit).map((name) => name.replace(/-(?!.*-)/, '_')),
      ),
      spoofing(kit, 'certificates', renamed(certificateFields, '_')),
    ],
  },
  {
    name: 'spoofed-odd-names',
    severity: 'medium',
    expectation: keptOut,
    why: 'Some services, PHP among them, take `.` and other characters for `-`: to them it is the same header.',
    remedy: 'names',
    shots: (kit) => [
      spoofing(kit, 'dots', renamed(trustedHeaders(kit), '.')),
      spoofing(
        kit,
        'other characters',
        oddCharacters.flatMap((character) => renamed([subject], character)),
      ),
    ],
  },
  {
    name: 'spoofed-odd-lines',
    severity: 'high',
    expectation: keptOut,
    why: 'Gateway and service do not agree on where a header begins (RFC 9112 section 5).',
    remedy: 'lines',
    shots: (kit) => [
      spoofing(kit, 'a space before the colon', [`${subject} `]),
      spoofing(kit, 'a folded line', [`X-Doctor: a\r\n ${subject}`]),
      spoofing(kit, 'a line feed alone', [`X-Doctor: a\n${subject}`]),
      spoofing(kit, 'a carriage return alone', [`X-Doctor: a\r${subject}`]),
    ],
  },
  {
    name: 'connection-header',
    severity: 'high',
    expectation: identifiedAsEver,
    why: 'A client takes the identity off its request: the gateway adds it, then removes what Connection names.',
    remedy: 'connection',
    shots: (kit) =>
      [...trustedHeaders(kit), 'Authorization'].map((name) => byClient(kit, name, [`Connection: close, ${name}`])),
  },
  {
    name: 'certificate-headers',
    severity: 'high',
    expectation: keptOut,
    why: 'A client states a certificate whose key it need not have.',
    remedy: 'certificates',
    shots: (kit) =>
      dialectFields.map((dialect) => {
        const mark = kit.newMark()
        return byClient(kit, dialect.kind, certificateLines(dialect, mark), { marks: [mark] })
      }),
  },
  {
    name: 'cookie',
    severity: 'low',
    expectation: goneAltogether,
    why: "Every service behind the gateway sees the client's session.",
    remedy: 'credential',
    shots: (kit) => {
      const mark = kit.newMark()
      return [byClient(kit, 'Cookie', [`Cookie: session=${mark}`], { marks: [mark] })]
    },
  },
]
