import type { CanonicalIdentity } from '../domain/identity.ts'
import type { Reason } from '../domain/refusal.ts'
import { tokenTypes } from '../domain/token-type.ts'
import type { Trace } from '../domain/trace.ts'
import type { Assertion } from '../formats/saml/assertion.ts'
import type { AssertionFacts, SaidTime } from './assertion-facts.ts'
import type { GivenAssertion } from './given-assertion.ts'
import { printable } from './terminal.ts'
import type { Walk } from './walk.ts'

/** What can be done about a refusal where the credential is a SAML assertion. */
const advice: Readonly<Partial<Record<Reason, string>>> = {
  'credential.malformed': 'present the assertion alone, as its identity provider gave it, in base64url without padding',
  'credential.expired': 'get a new assertion; if clocks differ, raise clockSkew',
  'credential.too_old': 'get a new assertion, or raise maxAge',
  'credential.lifetime_excessive': 'have the identity provider make assertions that live shorter, or raise maxLifetime',
  'credential.audience_mismatch':
    'have the identity provider issue for one of `audiences` (its entity ID of us), or list what it has in Audience',
  'credential.recipient_mismatch':
    'have it deliver to our token endpoint (its ACS URL of us), or list in `recipient` where it delivers',
  'credential.confirmation_required': 'have it issued for bearers: SubjectConfirmation with the method bearer',
  'credential.condition_unsupported': 'have it issued without conditions other than those of SAML 2.0',
  'credential.algorithm_not_allowed':
    'have the identity provider sign with SHA-256 or stronger, exclusive canonicalization, and one of `algorithms`',
  'credential.key_unknown': 'the metadata or `certificates` hold no key of that kind: are they those of now?',
  'credential.decryption_failed': 'give the map the `decryptionKey` for whose certificate it is encrypted',
  'credential.replayed': 'get a new assertion for each request',
  'keys.unavailable': 'see the log for why the metadata cannot be used; private hosts must stand in allowHosts',
}

/** @returns undefined where it is no assertion, or nothing better is known than of any credential */
export const samlAdvice = (reason: Reason, trace: Trace): string | undefined => {
  if (trace.subjectTokenType !== tokenTypes.saml2) return undefined
  if (reason !== 'credential.signature_invalid') return advice[reason]
  return isUnsigned(trace)
    ? 'have the identity provider sign the assertion itself'
    : 'the assertion was changed or signed by somebody else: is the metadata that of its identity provider?'
}

/** There was no signature to check. */
const isUnsigned = ({ outcome, checks }: Trace): boolean =>
  outcome?.granted === false &&
  outcome.reason === 'credential.signature_invalid' &&
  !checks.some(({ check }) => check === 'signature')

/** Where products are told to sign assertions. */
const signingSwitches = [
  'Entra: Signing option "Sign SAML assertion"',
  'ADFS: SamlResponseSignature AssertionOnly',
  'Okta: Assertion Signature "Signed"',
  'Keycloak: "Sign assertions"',
  'Shibboleth: signAssertions',
].join('; ')

/** What an assertion was explained with. */
export interface SamlCase {
  readonly given: GivenAssertion
  /** As far as it can be read. */
  readonly assertion: Assertion | undefined
  readonly walked: Walk
  /** Whether it was said which deployment it must be for. */
  readonly knowsIssuer: boolean
}

/** What callers would have to do otherwise, and what the trace cannot know. */
export const notesOn = ({
  given,
  assertion,
  walked: { trace, identity },
  knowsIssuer,
}: SamlCase): readonly string[] => {
  const { outcome } = trace
  const isElsewhere = outcome?.granted === false && outcome.reason === 'credential.recipient_mismatch'
  return [
    ...given.notes,
    ...(given.response?.isSigned === true && isUnsigned(trace) ? [onlyTheResponse] : []),
    ...(isElsewhere && !knowsIssuer ? ['say whose token endpoint is meant: --issuer URL'] : []),
    ...(assertion !== undefined && identity !== undefined && isNamedForOnce(assertion, identity) ? [namedForOnce] : []),
  ]
}

const onlyTheResponse = `only the Response is signed, which says nothing of an assertion on its own: have that signed (${signingSwitches})`

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
const namedForOnce = 'the subject is a transient NameID, another one at each login: name people by something that stays'

const isNamedForOnce = ({ subject: { name } }: Assertion, { subject }: CanonicalIdentity): boolean =>
  'value' in name && name.format === transient && subject.value.includes(name.value)

/** What an assertion says of itself, as lines for a terminal. */
export const factLines = ({ issuer, audience, recipient, nameIdFormat, times }: AssertionFacts): readonly string[] => [
  '',
  '  assertion as it says itself',
  ...[
    ['Issuer', issuer] as const,
    ...audience.map((one) => ['Audience', one] as const),
    ...recipient.map((one) => ['Recipient', one] as const),
    ...(nameIdFormat === undefined ? [] : [['NameID Format', nameIdFormat] as const]),
    ...times.map((time) => [time.name, timeText(time)] as const),
  ].map(([name, text]) => `            ${name.padEnd(26)} ${printable(text)}`),
]

const timeText = ({ at, fromNow }: SaidTime): string =>
  fromNow < 0 ? `${at}, ${spanText(-fromNow)} ago` : `${at}, in ${spanText(fromNow)}`

/** A length of time in the largest unit of which there are two. */
const spanText = (seconds: number): string => {
  const [unit, size] = units.find(([, length]) => seconds >= 2 * length) ?? ['seconds', 1]
  return `${Math.floor(seconds / size)} ${unit}`
}

const units = [['days', 86_400] as const, ['hours', 3_600] as const, ['minutes', 60] as const]
