import type { Json } from '../domain/claims.ts'
import auth0 from './presets/auth0.json' with { type: 'json' }
import cognito from './presets/cognito.json' with { type: 'json' }
import entraV2 from './presets/entra-v2.json' with { type: 'json' }
import githubActions from './presets/github-actions.json' with { type: 'json' }
import gitlabCi from './presets/gitlab-ci.json' with { type: 'json' }
import google from './presets/google.json' with { type: 'json' }
import keycloak from './presets/keycloak.json' with { type: 'json' }
import kubernetes from './presets/kubernetes.json' with { type: 'json' }
import okta from './presets/okta.json' with { type: 'json' }
import { claimRequirements, type RequirementSpec } from './schema.ts'

/** What is known of an identity provider: settings of a source that a trust map starts from. */
export interface Preset {
  readonly description: string
  readonly oidc: Readonly<Record<string, Json>>
  readonly claimValidationRules: readonly RequirementSpec[]
}

const read = (file: Omit<Preset, 'claimValidationRules'> & { readonly claimValidationRules: unknown }): Preset => ({
  ...file,
  claimValidationRules: claimRequirements.parse(file.claimValidationRules),
})

export const presets: ReadonlyMap<string, Preset> = new Map([
  ['auth0', read(auth0)],
  ['cognito', read(cognito)],
  ['entra-v2', read(entraV2)],
  ['github-actions', read(githubActions)],
  ['gitlab-ci', read(gitlabCi)],
  ['google', read(google)],
  ['keycloak', read(keycloak)],
  ['kubernetes', read(kubernetes)],
  ['okta', read(okta)],
])

/** Settings that say the same thing in different ways: a map's own choice takes the place of the preset's. */
const alternatives: readonly (readonly string[])[] = [
  ['issuer', 'issuers', 'issuerTemplate'],
  ['discoveryURL', 'jwksURI', 'jwksFile'],
]

/** The settings of `preset` under those that the map itself makes. */
export const withPreset = (
  preset: Readonly<Record<string, Json>>,
  own: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  const settled = alternatives.filter((names) => names.some((name) => name in own)).flat()
  const inherited = Object.entries(preset).filter(([name]) => !settled.includes(name))
  return { ...Object.fromEntries(inherited), ...own }
}
