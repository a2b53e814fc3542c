import { reasons } from '../src/domain/refusal.ts'

const meaning = {
  request: 'The form or the HTTP around it; or the request that a gateway asks about.',
  grant_type: 'The grant.',
  gateway: 'Which gateway asks. Callers hear one answer for all of these.',
  route: 'The routes of a gateway.',
  rate: 'How often a gateway and a subject may ask.',
  client: 'Who asks. Callers hear one answer for all of these, so that nobody can probe for client ids.',
  credential: 'The subject token, whatever policy says.',
  certificate: 'The client certificate of the connection, or of the header that a gateway states it in.',
  issuer: 'Who made the subject token.',
  delegation: 'Who acts for the subject, one after the other.',
  actor: 'The actor token.',
  source: 'Which trust maps a client may use.',
  map: 'A trust map as a whole.',
  rule: 'The rules of a trust map.',
  identity: 'The canonical identity that a rule made.',
  target: '`audience` and `resource`.',
  scope: '`scope`.',
  destination: 'Where a request on its way out goes.',
  partner: "A partner's credential: who may have it, and what came of asking for it.",
  secret: 'Not a verdict: a secret of ours cannot be had.',
  status: 'Not a verdict: a revocation list is missing.',
  keys: 'Not a verdict: the keys to judge with are missing.',
  store: 'Not a verdict: single use cannot be decided.',
  signer: 'Not a verdict: there is no key to sign with.',
  service: 'Not a verdict: nothing was looked at.',
  internal: 'A fault of dragoman. The log has its place.',
} as const satisfies Record<string, string>

const isGroup = (name: string): name is keyof typeof meaning => Object.hasOwn(meaning, name)

/** docs/reasons.md, from the table that decides what callers hear. */
export const reasonsPage = (): string => {
  const groups = new Map<string, string[]>()
  for (const [reason, { subject_token, assertion, gateway }] of Object.entries(reasons)) {
    const { status, description } = subject_token
    const errors = [...new Set([subject_token.error, assertion.error])].map((error) => `\`${error}\``).join(', ')
    const atGateway = `${gateway.status} \`${gateway.error}\``
    const group = reason.split('.')[0] ?? reason
    groups.set(group, [
      ...(groups.get(group) ?? []),
      `| <a id="${reason}"></a>\`${reason}\` | ${status} | ${errors} | ${atGateway} | ${description} |`,
    ])
  }
  const sections = [...groups].map(([group, rows]) => {
    if (!isGroup(group)) throw new Error(`no words for the reasons of ${group}`)
    return `## ${group}\n\n${meaning[group]}\n\n| reason | status | error | through a gateway | the caller hears |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `# Reasons

Every refusal has one of these reasons. It stands in the audit event and in \`dragoman explain\`; the caller hears the
status, the OAuth error and fixed words with a request id, by which the operator finds the rest. Where two errors stand,
the first is that of token exchange; the second is that of a grant which takes an \`assertion\`, and the words speak of it
in place of the \`subject_token\`.

A client whose request a gateway asks about hears of its \`credential\`, by the status and error of the fourth column; where
that is 5xx, gateways that would take it for their own failure and not for a refusal are answered 403.

Written by \`npm run docs\` from \`src/domain/refusal.ts\`.

${sections.join('\n')}`
}
