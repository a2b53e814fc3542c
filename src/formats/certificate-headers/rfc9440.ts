import * as z from 'zod'
import { FormatError } from '../format-error.ts'
import {
  boundedField,
  type CertificateHeaders,
  chainOf,
  fieldName,
  maxChainField,
  maxLeafField,
  type ReadField,
  type Stated,
} from './certificate-headers.ts'
import { certificateItem, certificateList } from './rfc9440-fields.ts'

const schema = z.strictObject({ header: fieldName('client-cert'), chainHeader: fieldName('client-cert-chain') })

type Config = z.output<typeof schema>

/** RFC 9440: `Client-Cert`, and the certificates above it in `Client-Cert-Chain`. HAProxy and Caddy can write it. */
export const rfc9440: CertificateHeaders<Config> = {
  kind: 'rfc9440',
  schema,
  carriers: ({ header, chainHeader }) => [header, chainHeader],
  read: (field, { header, chainHeader }) => leafAndChain(field, header, chainHeader),
}

/**
 * What two fields in the form of RFC 9440 state. There is no chain without a leaf (section 2.3).
 *
 * @throws FormatError
 */
export const leafAndChain = (field: ReadField, header: string, chainHeader: string): Stated => {
  const leaf = boundedField(field, header, maxLeafField)
  const chain = boundedField(field, chainHeader, maxChainField)
  if (leaf === undefined && chain === undefined) return 'none'
  if (leaf === undefined) throw new FormatError(`${chainHeader} came without ${header}`)
  return { chain: chainOf([certificateItem(leaf), ...(chain === undefined ? [] : certificateList(chain))]) }
}
