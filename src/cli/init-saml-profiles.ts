import { generic, type Profile } from './init-profiles.ts'

const byMembership = (claim: string, member: string, other: string): Pick<Profile, 'when' | 'claims' | 'other'> => ({
  when: `${claim}: { contains: ${member} }`,
  claims: { sub: '00000000-0000-0000-0000-000000000001', [claim]: [member] },
  other: { [claim]: [other] },
})

const byGroup: Profile = {
  ...generic,
  ...byMembership('groups', 'change-me', 'others'),
  decide: 'which group may pass',
}

const byRole: Profile = { ...generic, ...byMembership('roles', 'change-me', 'others'), decide: 'which role may pass' }

const named = (preset: string, subject: string, profile: Profile): Profile => ({
  ...profile,
  preset,
  subject,
  claims: { ...profile.claims, ...(subject === 'sub' ? {} : { [subject]: 'somebody' }) },
})

/** How a first trust map for a SAML identity provider looks, by the names of the presets; `generic` for all others. */
export const samlProfiles: Readonly<Record<string, Profile>> = {
  generic,
  'adfs-saml': named('adfs-saml', 'upn', byGroup),
  'entra-saml': named('entra-saml', 'oid', byRole),
  'keycloak-saml': named('keycloak-saml', 'sub', byRole),
  'okta-saml': named('okta-saml', 'sub', byGroup),
  'shibboleth-saml': named('shibboleth-saml', 'subject_id', {
    ...generic,
    ...byMembership('eduperson_scoped_affiliation', 'member@change-me.example', 'member@another.example'),
    decide: 'which affiliation may pass, and of which scope',
  }),
}

const byName: readonly (readonly [RegExp, string])[] = [
  [/^https:\/\/sts\.windows\.net\//, 'entra-saml'],
  [/^https?:\/\/[^/]+\/adfs\/services\/trust$/, 'adfs-saml'],
  [/^https?:\/\/www\.okta\.com\/exk[A-Za-z0-9]+$/, 'okta-saml'],
  [/^https?:\/\/[^/]+\/(?:[^?#]+\/)?realms\/[^/?#]+$/, 'keycloak-saml'],
  [/^https?:\/\/[^/]+\/idp\/shibboleth$/, 'shibboleth-saml'],
]

/** Where products let people log in, for those whose names are free. */
const byLocation: readonly (readonly [RegExp, string])[] = [
  [/^https:\/\/login\.microsoftonline\.com\/[^/]+\/saml2$/, 'entra-saml'],
  [/^https:\/\/[^/]+\/adfs\/ls\/?$/, 'adfs-saml'],
  [/^https:\/\/[^/]+\.(?:okta|oktapreview|okta-emea)\.com\//, 'okta-saml'],
  [/^https?:\/\/[^/]+\/(?:[^?#]+\/)?realms\/[^/?#]+\/protocol\/saml$/, 'keycloak-saml'],
  [/^https:\/\/[^/]+\/idp\/profile\/SAML2\//, 'shibboleth-saml'],
]

/** Guesses the product behind an identity provider from its name and from where people log in; `generic` otherwise. */
export const guessSamlProfile = (entityID: string, locations: readonly string[]): string => {
  const [, found] =
    byName.find(([name]) => name.test(entityID)) ??
    byLocation.find(([place]) => locations.some((location) => place.test(location))) ??
    []
  return found ?? 'generic'
}
