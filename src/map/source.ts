import * as z from 'zod'
import type { Fault } from '../domain/fault.ts'
import { stepsIn } from '../formats/documents.ts'
import type { Draft } from '../formats/draft.ts'
import { ifSound, remarked } from '../formats/schema-faults.ts'
import { isObject, type Preset, presets, withPreset } from './presets.ts'

/** What a map needs to know about a kind of credential. */
export interface SourceKind {
  readonly kind: string
  readonly schema: z.ZodType
  /** A rule may say `identity: same`. */
  readonly isCanonical?: true
  issuers(config: unknown): readonly string[]
  audiences(config: unknown): readonly string[]
  clients(config: unknown): readonly string[] | undefined
  lint(config: unknown, options: { insecureLoopback: boolean }): readonly Omit<Fault, 'location'>[]
}

/** A source: its kind and its settings. */
export interface Source {
  readonly kind: SourceKind
  readonly config: unknown
}

/** The schema of `spec.source`, with each kind's own judgement of its settings. */
export const sourceSchema = (kinds: readonly SourceKind[], options: { readonly insecureLoopback: boolean }) => {
  const sourceOf = (source: Readonly<Record<string, unknown>>): readonly Source[] =>
    kinds.flatMap((kind) => (source[kind.kind] === undefined ? [] : [{ kind, config: source[kind.kind] }]))
  return z
    .strictObject({
      preset: z
        .enum([...presets.keys()])
        .optional()
        .meta({ description: 'An identity provider whose settings the map starts from; its own settings win.' }),
      ...Object.fromEntries(kinds.map((kind) => [kind.kind, linted(kind, options).optional()])),
    })
    .meta({ description: 'Whom the map believes: one kind of credential and how it is verified.' })
    .superRefine((source, context) => reportOtherPreset(source, context, sourceOf(source)), { when: isAnObject })
    .refine(
      (source) => sourceOf(source).length === 1,
      ifSound(`needs exactly one of ${kinds.map(({ kind }) => kind).join(', ')}`),
    )
    .transform((source): Source => sourceOf(source)[0] ?? z.NEVER)
}

/** A preset knows settings of one kind. Said whatever else is wrong: what is missing may be what the preset was for. */
const reportOtherPreset = (
  source: object,
  context: z.core.$RefinementCtx,
  [found, ...others]: readonly Source[],
): void => {
  const named = memberOf(source, 'preset')
  const preset = typeof named === 'string' ? presets.get(named) : undefined
  if (preset === undefined || found === undefined || others.length > 0 || preset.kind === found.kind.kind) return
  const fitting = [...presets].filter(([, { kind }]) => kind === found.kind.kind).map(([name]) => name)
  const fix = fitting.length === 0 ? 'leave it out' : `one of ${fitting.join(', ')}, or none`
  const message = `the preset ${String(named)} is for ${preset.kind}, not for ${found.kind.kind}`
  context.addIssue(remarked({ message, fix }, ['preset']))
}

const isAnObject = ({ value }: { readonly value: unknown }): boolean => isObject(value)

const linted = (kind: SourceKind, options: { readonly insecureLoopback: boolean }) =>
  kind.schema.superRefine((config, context) => {
    for (const { path, ...remark } of kind.lint(config, options)) context.addIssue(remarked(remark, stepsIn(path)))
  })

/**
 * A TrustMap document with the settings of its preset written out, and the preset. One that names another kind of source
 * stays as it is: the schema says what is wrong with it.
 */
export const withItsPreset = (document: unknown): { readonly value: unknown; readonly preset?: Preset } => {
  const spec = memberOf(document, 'spec')
  const source = memberOf(spec, 'source')
  const named = memberOf(source, 'preset')
  const preset = typeof named === 'string' ? presets.get(named) : undefined
  if (preset === undefined || !isObject(document) || !isObject(spec) || !isObject(source)) return { value: document }
  const { preset: _, ...kinds } = source
  const own = kinds[preset.kind] ?? (Object.keys(kinds).length === 0 ? {} : undefined)
  if (!isObject(own)) return { value: document }
  const settled = { ...source, [preset.kind]: withPreset(preset.settings, own) }
  return { value: { ...document, spec: { ...spec, source: settled } }, preset }
}

/** A member of what may be an object. */
export const memberOf = (value: unknown, member: string): unknown => (isObject(value) ? value[member] : undefined)

/** A map's source, to be compared with those of other maps. */
export interface Claimant {
  readonly draft: Draft
  readonly name: string
  readonly mode: 'enforce' | 'audit' | 'disabled'
  readonly source: Source
}

/** Two maps that believe the same issuer for the same audience: which of them speaks for a token would be chance. */
export const reportOverlaps = (maps: readonly Claimant[]): void => {
  const claimed = new Map<string, string>()
  for (const { draft, name, source, mode } of maps) {
    if (mode === 'disabled') continue
    const keys = keysOf(source)
    const others = new Set(keys.flatMap((key) => claimed.get(key) ?? []))
    for (const other of others)
      draft.report(
        ['spec', 'source', source.kind.kind],
        `the map ${other} believes the same issuer for the same audience`,
        'put the rules into one map, or give the maps different audiences',
      )
    for (const key of keys) claimed.set(key, name)
  }
}

const keysOf = ({ kind, config }: Source): readonly string[] =>
  kind
    .issuers(config)
    .flatMap((issuer) => kind.audiences(config).map((audience) => JSON.stringify([kind.kind, issuer, audience])))

/** Clients that a source names and that nobody registered. */
export const reportUnknownClients = ({ draft, source }: Claimant, clientIds: readonly string[]): void => {
  for (const [index, client] of (source.kind.clients(source.config) ?? []).entries()) {
    const path = ['spec', 'source', source.kind.kind, 'clients', index]
    if (!clientIds.includes(client)) draft.reportUnknown(path, 'Client with the client_id', client, clientIds)
  }
}

/** `identity: same` over claims that somebody else wrote would let that one say who anybody is. */
export const reportKeptIdentities = (
  { draft, source }: Claimant,
  rules: readonly { readonly identity: unknown }[],
): void => {
  if (source.kind.isCanonical === true) return
  for (const [index, { identity }] of rules.entries())
    if (identity === 'same')
      draft.report(
        ['spec', 'rules', index, 'identity'],
        'only tokens of our own (source.canonical) say who somebody is in our terms',
        'map the claims: type, subject, …',
      )
}

/** Gateways that a rule names and that no document describes. */
export const reportUnknownGateways = (
  { draft }: Pick<Claimant, 'draft'>,
  rules: readonly { readonly when?: { readonly gateway?: string | readonly string[] | undefined } | undefined }[],
  gateways: readonly string[],
): void => {
  for (const [index, { when }] of rules.entries()) {
    const named = when?.gateway
    const path = ['spec', 'rules', index, 'when', 'gateway']
    for (const [place, gateway] of [named ?? []].flat().entries())
      if (!gateways.includes(gateway))
        draft.reportUnknown(typeof named === 'string' ? path : [...path, place], 'Gateway', gateway, gateways)
  }
}
