import type { Json } from '../domain/claims.ts'
import adfsSaml from './presets/adfs-saml.json' with { type: 'json' }
import auth0 from './presets/auth0.json' with { type: 'json' }
import cognito from './presets/cognito.json' with { type: 'json' }
import entraSaml from './presets/entra-saml.json' with { type: 'json' }
import entraV2 from './presets/entra-v2.json' with { type: 'json' }
import githubActions from './presets/github-actions.json' with { type: 'json' }
import gitlabCi from './presets/gitlab-ci.json' with { type: 'json' }
import google from './presets/google.json' with { type: 'json' }
import keycloak from './presets/keycloak.json' with { type: 'json' }
import keycloakSaml from './presets/keycloak-saml.json' with { type: 'json' }
import kubernetes from './presets/kubernetes.json' with { type: 'json' }
import okta from './presets/okta.json' with { type: 'json' }
import oktaSaml from './presets/okta-saml.json' with { type: 'json' }
import shibbolethSaml from './presets/shibboleth-saml.json' with { type: 'json' }
import { claimRequirements, type RequirementSpec } from './schema.ts'

type Settings = Readonly<Record<string, Json>>

/** What is known of an identity provider: settings of a source of one kind that a trust map starts from. */
export interface Preset {
  readonly description: string
  readonly kind: string
  readonly settings: Settings
  readonly claimValidationRules: readonly RequirementSpec[]
}

interface PresetFile {
  readonly description: string
  readonly claimValidationRules: unknown
}

const read = (kind: string, settings: Settings, { description, claimValidationRules }: PresetFile): Preset => ({
  description,
  kind,
  settings,
  claimValidationRules: claimRequirements.parse(claimValidationRules),
})

const oidc = (file: PresetFile & { readonly oidc: Settings }) => read('oidc', file.oidc, file)
const saml = (file: PresetFile & { readonly saml: Settings }) => read('saml', file.saml, file)

export const presets: ReadonlyMap<string, Preset> = new Map([
  ['auth0', oidc(auth0)],
  ['cognito', oidc(cognito)],
  ['entra-v2', oidc(entraV2)],
  ['github-actions', oidc(githubActions)],
  ['gitlab-ci', oidc(gitlabCi)],
  ['google', oidc(google)],
  ['keycloak', oidc(keycloak)],
  ['kubernetes', oidc(kubernetes)],
  ['okta', oidc(okta)],
  ['adfs-saml', saml(adfsSaml)],
  ['entra-saml', saml(entraSaml)],
  ['keycloak-saml', saml(keycloakSaml)],
  ['okta-saml', saml(oktaSaml)],
  ['shibboleth-saml', saml(shibbolethSaml)],
])

/** Settings that say the same thing in different ways: a map's own choice takes the place of the preset's. */
const alternatives: readonly (readonly string[])[] = [
  ['issuer', 'issuers', 'issuerTemplate'],
  ['discoveryURL', 'jwksURI', 'jwksFile'],
]

/** Settings that hold entries by name: those of the map are put over those of the preset, one by one. */
const collections: readonly string[] = ['attributes']

/** The settings of `preset` under those that the map itself makes. */
export const withPreset = (
  preset: Settings,
  own: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  const settled = alternatives.filter((names) => names.some((name) => name in own)).flat()
  const inherited = Object.entries(preset).filter(([name]) => !settled.includes(name))
  return { ...Object.fromEntries(inherited), ...own, ...collected(preset, own) }
}

const collected = (preset: Settings, own: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    collections.flatMap((name) => {
      const [general, special] = [preset[name], own[name]]
      return isObject(general) && isObject(special) ? [[name, { ...general, ...special }]] : []
    }),
  )

/** A map of keys, as documents hold them. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
