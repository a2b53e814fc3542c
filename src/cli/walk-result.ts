import { isLoggable, type Json } from '../domain/claims.ts'
import type { Grant } from '../domain/grant.ts'
import type { CanonicalIdentity, Labelled } from '../domain/identity.ts'
import { printable } from './terminal.ts'
import type { Walk } from './walk.ts'

type Shown = { readonly value: Json } | { readonly redacted: string }

/** What a token would be exchanged for, as far as it may be shown. */
export interface WalkResult {
  readonly identity?: { readonly type: string } & Readonly<Record<string, Shown | string>>
  readonly token?: {
    readonly audience: readonly string[]
    readonly scope: readonly string[]
    /** Seconds. */
    readonly lifetime: number
    /** Names of what stays outside because the rule does not release its label. */
    readonly withheld: readonly string[]
  }
}

/** Makes the result of a walk presentable; values with other labels than public and internal only under `reveal`. */
export const resultOf = ({ identity, grant }: Walk, reveal: boolean): WalkResult => ({
  ...(identity === undefined ? {} : { identity: identityOf(identity, reveal) }),
  ...(grant === undefined ? {} : { token: tokenOf(grant) }),
})

const labelledOf = (identity: CanonicalIdentity): readonly (readonly [string, Labelled<Json>])[] => {
  const { subject, tenant, groups, roles, entitlements, attributes } = identity
  const named = Object.entries({ subject, tenant, groups, roles, entitlements })
  return [
    ...named.flatMap(([name, held]) => (held === undefined ? [] : [[name, held] as const])),
    ...[...attributes].map(([name, held]) => [`claims.${name}`, held] as const),
  ]
}

const identityOf = (identity: CanonicalIdentity, reveal: boolean): NonNullable<WalkResult['identity']> => ({
  ...Object.fromEntries(labelledOf(identity).map(([name, held]) => [name, shown(held, reveal)])),
  type: identity.type,
})

const shown = ({ value, sensitivity }: Labelled<Json>, reveal: boolean): Shown =>
  reveal || isLoggable(sensitivity) ? { value } : { redacted: sensitivity }

const tokenOf = ({
  identity,
  audience,
  scope,
  issuedAt,
  expiresAt,
  release,
}: Grant): NonNullable<WalkResult['token']> => ({
  audience,
  scope,
  lifetime: expiresAt - Math.floor(issuedAt),
  withheld: labelledOf(identity)
    .filter(([, { sensitivity }]) => !release.includes(sensitivity))
    .map(([name]) => name),
})

/** The result as lines for a terminal. */
export const resultLines = ({ identity, token }: WalkResult): readonly string[] => [
  ...(identity === undefined
    ? []
    : ['', `  identity  ${identity.type}`, ...Object.entries(identity).flatMap(memberLine)]),
  ...(token === undefined
    ? []
    : [
        '',
        `  token     for ${printable(token.audience.join(', '))}, ${token.lifetime} seconds`,
        ...(token.scope.length === 0 ? [] : [`            scope ${printable(token.scope.join(' '))}`]),
        ...(token.withheld.length === 0 ? [] : [`            without ${printable(token.withheld.join(', '))}`]),
      ]),
]

const memberLine = ([name, held]: readonly [string, Shown | string]): readonly string[] => {
  if (typeof held === 'string') return []
  const text = 'redacted' in held ? `(${held.redacted}; --reveal shows it)` : JSON.stringify(held.value)
  return [printable(`            ${name} ${text}`)]
}
