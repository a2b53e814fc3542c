import type { Claims } from '../domain/claims.ts'

/** How a first trust map for an identity provider looks. The rule speaks for nobody until a person has decided. */
export interface Profile {
  /** The preset of the trust-map language; absent where none fits. */
  readonly preset?: string
  /** The issuer that the preset names itself. */
  readonly issuer?: string
  readonly type: 'user' | 'workload'
  /** The claim that names the subject for good. */
  readonly subject: string
  /** The one condition, in YAML: the claim and what it must be. */
  readonly when: string
  /** What has to be decided about it. */
  readonly decide: string
  /** Claims of a token that the rule speaks for, besides those of every token. */
  readonly claims: Claims
  /** What a token has that the rule does not speak for. */
  readonly other: Claims
}

export const generic: Profile = {
  type: 'user',
  subject: 'sub',
  when: 'sub: change-me',
  decide: 'who may pass; without `when` it is everybody the issuer knows',
  claims: { sub: 'change-me' },
  other: { sub: 'somebody-else' },
}

const byRole = (pointer: string, claims: Claims, other: Claims): Profile => ({
  ...generic,
  when: `${pointer}: { contains: change-me }`,
  decide: 'which role or group may pass',
  claims: { sub: '00000000-0000-0000-0000-000000000001', ...claims },
  other,
})

/** By the names of the presets; `generic` for all others. */
export const profiles: Readonly<Record<string, Profile>> = {
  generic,
  'github-actions': {
    preset: 'github-actions',
    issuer: 'https://token.actions.githubusercontent.com',
    type: 'workload',
    subject: 'repository_id',
    when: 'repository_owner_id: "0"',
    decide: 'the id of your organization: gh api /orgs/NAME --jq .id',
    claims: { sub: 'repo:acme/api:ref:refs/heads/main', repository_id: '1', repository_owner_id: '0' },
    other: { repository_owner_id: '666' },
  },
  'gitlab-ci': {
    preset: 'gitlab-ci',
    type: 'workload',
    subject: 'project_id',
    when: 'namespace_id: "0"',
    decide: 'the id of your group',
    claims: { sub: 'project_path:acme/api:ref_type:branch:ref:main', project_id: '1', namespace_id: '0' },
    other: { namespace_id: '666' },
  },
  google: {
    ...generic,
    preset: 'google',
    issuer: 'https://accounts.google.com',
    when: 'hd: example.com',
    decide: 'your Workspace domain; without it anybody with a Google account would pass',
    claims: { sub: '100000000000000000001', hd: 'example.com' },
    other: { hd: 'example.org' },
  },
  kubernetes: {
    preset: 'kubernetes',
    type: 'workload',
    subject: 'sub',
    when: 'sub: "system:serviceaccount:default:change-me"',
    decide: 'the service account',
    claims: { sub: 'system:serviceaccount:default:change-me', 'kubernetes.io': { namespace: 'default' } },
    other: { sub: 'system:serviceaccount:default:another' },
  },
  'entra-v2': {
    ...byRole(
      'roles',
      { ver: '2.0', oid: '00000000-0000-0000-0000-000000000002', roles: ['change-me'] },
      { roles: [] },
    ),
    preset: 'entra-v2',
    subject: 'oid',
  },
  keycloak: {
    ...byRole('/realm_access/roles', { realm_access: { roles: ['change-me'] } }, { realm_access: { roles: [] } }),
    preset: 'keycloak',
  },
  okta: { ...byRole('groups', { groups: ['change-me'] }, { groups: [] }), preset: 'okta' },
  cognito: {
    ...byRole('cognito:groups', { 'cognito:groups': ['change-me'], token_use: 'id' }, { 'cognito:groups': [] }),
    preset: 'cognito',
  },
  auth0: {
    ...generic,
    preset: 'auth0',
    when: 'sub: auth0|change-me',
    claims: { sub: 'auth0|change-me' },
    other: { sub: 'auth0|another' },
  },
}

/** The tenant in an issuer of Microsoft Entra ID; empty when it is not of that form. */
export const tenantOf = (issuer: string): string =>
  /^https:\/\/login\.microsoftonline\.com\/([A-Za-z0-9.-]+)\/v2\.0$/.exec(issuer)?.[1] ?? ''

const byHost: readonly (readonly [RegExp, string])[] = [
  [/^token\.actions\.githubusercontent\.com$/, 'github-actions'],
  [/^accounts\.google\.com$/, 'google'],
  [/^cognito-idp\.[a-z0-9-]+\.amazonaws\.com$/, 'cognito'],
  [/(^|\.)auth0\.com$/, 'auth0'],
  [/(^|\.)(okta|oktapreview|okta-emea)\.com$/, 'okta'],
  [/^gitlab\.com$/, 'gitlab-ci'],
]

/** Paths of key sets by which self-hosted products can be told. */
const byKeysPath: readonly (readonly [RegExp, string])[] = [
  [/\/protocol\/openid-connect\/certs$/, 'keycloak'],
  [/\/oauth\/discovery\/keys$/, 'gitlab-ci'],
  [/\/openid\/v1\/jwks$/, 'kubernetes'],
]

/** Guesses the product behind an issuer from its name and from where its keys lie; `generic` when nothing fits. */
export const guessProfile = (issuer: string, jwksUri: string): string => {
  if (tenantOf(issuer) !== '') return 'entra-v2'
  const { hostname } = new URL(issuer)
  const path = URL.canParse(jwksUri) ? new URL(jwksUri).pathname : ''
  const [, found] = byHost.find(([host]) => host.test(hostname)) ?? byKeysPath.find(([keys]) => keys.test(path)) ?? []
  return found ?? 'generic'
}
