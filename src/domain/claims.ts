/** A JSON value, as a token's payload holds it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [member: string]: Json }

/** The members of a JSON object: a token's claims, a JOSE header, an introspection response. */
export type Claims = { readonly [name: string]: Json }

/** How far a value may travel; a grant's `release` lists the labels that may enter its token. */
export type Sensitivity = 'public' | 'internal' | 'pii' | 'phi' | 'pci' | 'secret'

/** Every label, from the freest to the one that never leaves. */
export const sensitivities = ['public', 'internal', 'pii', 'phi', 'pci', 'secret'] as const satisfies Sensitivity[]

/** Is `label` as strict as `other`, or stricter? */
export const isAsStrict = (label: Sensitivity, other: Sensitivity): boolean =>
  sensitivities.indexOf(label) >= sensitivities.indexOf(other)

/** May this value be written where operators read (audit, explain, logs)? */
export const isLoggable = (label: Sensitivity): boolean => label === 'public' || label === 'internal'
