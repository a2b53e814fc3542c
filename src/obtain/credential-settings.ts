import * as z from 'zod'
import { type Remark, remarked } from '../formats/schema-faults.ts'
import { isSecure } from '../formats/secure-url.ts'
import type { AnyObtainer, CommonSettings } from './obtainer.ts'

/** `credential` of a Partner document: a kind from the catalog, its settings, and what it is obtained with. */
export interface CredentialSettings {
  readonly obtainer: AnyObtainer
  readonly config: CommonSettings
  /** The credential under `from`, with which this one is obtained. */
  readonly from?: CredentialSettings
}

export interface KindOptions {
  /** May plain http to this machine be used (dev)? */
  readonly insecureLoopback: boolean
}

/** How many credentials may rest on one another. */
const maxDepth = 3

/** What a kind says of its own is judged by the kind; `from` is a credential again. */
export const credentialSettings = (
  obtainers: readonly AnyObtainer[],
  options: KindOptions,
): z.ZodType<CredentialSettings> => {
  const nested: z.ZodType<CredentialSettings> = z.lazy(() => union)
  const union = z.union(obtainers.map((obtainer) => settingsOf(obtainer, nested, options)))
  return union
    .superRefine((credential, context) => {
      if (depthOf(credential) > maxDepth)
        context.addIssue(remarked({ message: `more than ${maxDepth} credentials rest on one another` }, ['from']))
    })
    .meta({ description: 'What the partner accepts, and how it is obtained.' })
}

const settingsOf = (obtainer: AnyObtainer, nested: z.ZodType<CredentialSettings>, options: KindOptions) =>
  z
    .strictObject({
      type: z.literal(obtainer.kind),
      perIdentity: z.boolean().optional().meta({
        description:
          'Each identity has a credential of its own. Default: only where the credential says who the identity is.',
      }),
      ...obtainer.keys,
      ...innerKey(obtainer, nested),
    })
    .superRefine((config, context) => {
      for (const { at, ...remark } of remarksOn(obtainer, config, options)) context.addIssue(remarked(remark, at))
    })
    .transform(
      ({ from, ...config }: Known): CredentialSettings => ({
        obtainer,
        config,
        ...(from === undefined ? {} : { from }),
      }),
    )

/** What a strict object of these keys yields. */
type Known = CommonSettings & { readonly from?: CredentialSettings | undefined }

const innerKey = (
  { takesInner }: AnyObtainer,
  nested: z.ZodType<CredentialSettings>,
): Readonly<Record<string, z.ZodType>> => {
  if (takesInner === undefined) return {}
  return { from: takesInner === 'must' ? nested : nested.optional() }
}

const remarksOn = (
  obtainer: AnyObtainer,
  { from, ...config }: Known,
  { insecureLoopback }: KindOptions,
): readonly (Remark & { readonly at: readonly (string | number)[] })[] => [
  ...obtainer
    .endpoints(config)
    .filter(({ url }) => !isSecure(url, insecureLoopback))
    .map(({ at }) => ({ at, message: 'must be https: secrets go there', fix: 'https://…' })),
  ...(config.perIdentity === false && obtainer.namesParty(config)
    ? [
        {
          at: ['perIdentity'],
          message: 'the credential says who the identity is, so it cannot be the same for all',
          fix: 'leave it out',
        },
      ]
    : []),
  ...(obtainer.remarks?.(config, from) ?? []),
]

const depthOf = ({ from }: CredentialSettings): number => 1 + (from === undefined ? 0 : depthOf(from))
