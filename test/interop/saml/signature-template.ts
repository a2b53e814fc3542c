import {
  type DigestName,
  digestMethods,
  namespaces,
  type SignatureName,
  signatureMethods,
  transforms,
} from '../../world/saml-names.ts'

export interface SignatureTemplateOptions {
  readonly method?: SignatureName
  readonly digest?: DigestName
  /** An InclusiveNamespaces PrefixList for the content, and one for SignedInfo. */
  readonly prefixes?: readonly string[]
  readonly infoPrefixes?: readonly string[]
  /** The prefix of the signature's namespace; the empty one makes it the default namespace. */
  readonly prefix?: string
  /** Written around all elements. */
  readonly between?: string
  /** XML inside KeyInfo; without it there is none. */
  readonly keyInfo?: string
}

/** How the elements of one Signature are written. */
const writing = ({ prefix = 'ds', between = '' }: SignatureTemplateOptions) => {
  const q = (name: string) => (prefix === '' ? name : `${prefix}:${name}`)
  const around = (parts: readonly string[]) => (parts.length === 0 ? '' : between + parts.join(between) + between)
  return {
    declaration: prefix === '' ? 'xmlns' : `xmlns:${prefix}`,
    /** An element that holds `parts`, which may be none. */
    holding: (name: string, attributes: string, ...parts: readonly string[]) =>
      `<${q(name)}${attributes}>${around(parts)}</${q(name)}>`,
  }
}

const inclusiveNamespaces = (prefixes: readonly string[] | undefined): readonly string[] =>
  prefixes === undefined
    ? []
    : [`<ec:InclusiveNamespaces xmlns:ec="${transforms.exclusive}" PrefixList="${prefixes.join(' ')}"/>`]

/** A Signature over `uri` without values, which another implementation fills in (SAML core section 5.4). */
export const signatureTemplate = (uri: string, options: SignatureTemplateOptions = {}): string => {
  const { method = 'rsa-sha256', digest = 'sha256', keyInfo } = options
  const { declaration, holding } = writing(options)
  const by = (name: string, algorithm: string, parts: readonly string[] = []) =>
    holding(name, ` Algorithm="${algorithm}"`, ...parts)
  const signedInfo = holding(
    'SignedInfo',
    '',
    by('CanonicalizationMethod', transforms.exclusive, inclusiveNamespaces(options.infoPrefixes)),
    by('SignatureMethod', signatureMethods[method]),
    holding(
      'Reference',
      ` URI="${uri}"`,
      holding(
        'Transforms',
        '',
        by('Transform', transforms.enveloped),
        by('Transform', transforms.exclusive, inclusiveNamespaces(options.prefixes)),
      ),
      by('DigestMethod', digestMethods[digest]),
      holding('DigestValue', ''),
    ),
  )
  const rest = keyInfo === undefined ? [] : [holding('KeyInfo', '', keyInfo)]
  return holding('Signature', ` ${declaration}="${namespaces.ds}"`, signedInfo, holding('SignatureValue', ''), ...rest)
}
