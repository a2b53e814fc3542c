import * as z from 'zod'
import { duration, name, url } from '../formats/settings.ts'

const text = z.string().min(1).max(2_048)
const list = (what: z.ZodType<string>) => z.array(what).min(1)

const revocation = z
  .strictObject({
    crlFiles: list(text)
      .optional()
      .meta({ description: 'Files with CRLs, DER or PEM, relative to the documents; read again every minute.' }),
    crlURLs: list(url).optional().meta({ description: 'Where CRLs are published; fetched again as they go stale.' }),
    staleFor: duration.default(3_600).meta({
      description:
        'The outage budget: how long a CRL counts after its nextUpdate when no newer one can be had. Default 1h.',
    }),
    allowHosts: list(text)
      .optional()
      .meta({ description: 'Hosts that may be asked although they have private addresses.' }),
  })
  .meta({
    description:
      'Certificates are judged by these CRLs, every one on the path but the anchor; one that no CRL speaks about is refused.',
  })

/** `source.x509` of a trust map: whose certificates are believed, and how strictly. */
export const x509Schema = z
  .strictObject({
    trustAnchors: z.union([text, list(text)]).meta({
      description: 'PEM files with the certificate authorities that are believed, relative to the documents.',
      examples: ['partner-ca.pem'],
    }),
    extendedKeyUsage: z.enum(['clientAuth', 'serverAuth', 'any']).default('clientAuth').meta({
      description: 'The purpose that the certificate must be for (RFC 5280 section 4.2.1.12). Default clientAuth.',
    }),
    maxIntermediates: z
      .number()
      .int()
      .min(0)
      .max(8)
      .default(4)
      .meta({ description: 'How many certificates may stand between the anchor and the leaf. Default 4.' }),
    revocation: revocation.optional(),
    clients: list(name).optional().meta({ description: 'Only these Clients may present certificates of this source.' }),
  })
  .meta({ description: 'Client certificates of certificate authorities that are named here (RFC 5280).' })

export type X509Config = z.output<typeof x509Schema>

/** The files with the anchors. */
export const anchorFilesOf = ({ trustAnchors }: X509Config): readonly string[] => [trustAnchors].flat()

/** What is wrong with `config` that its schema cannot say. */
export const lintX509 = ({ revocation: wanted }: X509Config, options: { readonly insecureLoopback: boolean }) => [
  ...(wanted !== undefined && wanted.crlFiles === undefined && wanted.crlURLs === undefined
    ? [{ path: 'revocation', message: 'names no CRL', fix: 'give crlFiles or crlURLs, or leave revocation out' }]
    : []),
  ...(wanted?.crlURLs ?? []).flatMap((place, index) =>
    place.startsWith('https:') || options.insecureLoopback
      ? []
      : [{ path: `revocation.crlURLs[${index}]`, message: `${place} is not https`, fix: 'use https, or a crlFile' }],
  ),
]
