import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { certificateHeaders } from '../../src/catalog.ts'
import { parseCertificate } from '../../src/formats/x509/certificate.ts'
import { pemOf } from '../world/certificates.ts'
import type { Corpus } from './corpus.ts'
import type { Target } from './target.ts'
import { changedText, textMutations } from './text-mutations.ts'

/** The fields of a request as one dialect reads them, and the settings of the dialect. */
interface Fields {
  readonly kind: string
  readonly settings: object
  readonly fields: Readonly<Record<string, string>>
}

/** What each dialect writes about the leaf and the certificate above it. */
const goodFields = ({ leaf, intermediate }: Corpus): readonly Fields[] => {
  const [base64, above] = [leaf.der, intermediate.der].map((der) => Buffer.from(der).toString('base64'))
  const [pem, abovePem] = [pemOf(leaf.der), pemOf(intermediate.der)]
  const spaced = pem.trim().replaceAll('\n', ' ')
  const escaped = encodeURIComponent(pem)
  const forAws = (text: string) =>
    encodeURIComponent(text).replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '=')
  const hash = createHash('sha256').update(leaf.der).digest('hex')
  const xfcc = `By=spiffe://prod.example.org/gateway;Hash=${hash};Cert="${escaped}";Chain="${encodeURIComponent(
    pem + abovePem,
  )}";Subject="CN=\\"client\\",O=Example";URI=https://a.example.org/x;DNS=a.example.org`
  const of = (kind: string, fields: Fields['fields'], settings: object = {}): Fields => ({ kind, settings, fields })
  return [
    of('rfc9440', { 'client-cert': `:${base64}:`, 'client-cert-chain': `:${above}:` }),
    of('cloudflare', { 'client-cert': `:${base64}:`, 'client-cert-chain': `:${above}:, :${above}:` }),
    of('gcp-lb', { 'x-client-cert-leaf': `:${base64}:`, v: 'true' }, { verifyHeader: 'v' }),
    of('nginx', { 'ssl-client-cert': escaped, 'ssl-client-verify': 'SUCCESS' }),
    of('traefik', { 'x-forwarded-tls-client-cert': `${base64},${above}` }),
    of('haproxy', { 'x-ssl-client-cert': `:${base64}:`, v: '0' }, { verifyHeader: 'v' }),
    of('apache', { 'ssl-client-cert': spaced, v: 'SUCCESS' }, { verifyHeader: 'v' }),
    of('aws-alb', { 'x-amzn-mtls-clientcert-leaf': forAws(pem) }),
    of('aws-alb', { 'x-amzn-mtls-clientcert': forAws(pem + abovePem) }, { mode: 'passthrough' }),
    of('azure-appgw', { 'x-client-cert': escaped }),
    of('azure-appgw', { 'x-client-cert': spaced }, { encoding: 'spaces' }),
    of('azure-arr', { 'x-arr-clientcert': base64 ?? '' }),
    of('envoy-xfcc', { 'x-forwarded-client-cert': xfcc }),
    of('envoy-xfcc', { 'x-forwarded-client-cert': `${xfcc},${xfcc}` }, { trustedHops: 1 }),
  ]
}

const emptyHanded = (kind: string): never => {
  throw new Error(`${kind} states nothing of what it was given`)
}

/** Reads the fields through the contract, and the certificates that they state. */
const read = ({ kind, settings, fields }: Fields) => {
  const dialect = certificateHeaders.find((each) => each.kind === kind)
  if (dialect === undefined) throw new Error(`no dialect ${kind}`)
  const stated = dialect.read((name) => fields[name], dialect.schema.parse(settings))
  return typeof stated === 'string' ? stated : stated.chain.map(parseCertificate)
}

export const headerTargets = (corpus: Corpus): readonly Target<unknown>[] => {
  const good = goodFields(corpus)
  const covered = new Set(good.map(({ kind }) => kind))
  for (const { kind } of certificateHeaders) if (!covered.has(kind)) throw new Error(`no good fields of ${kind}`)
  for (const fields of good) if (typeof read(fields) === 'string') emptyHanded(fields.kind)
  const texts = good.flatMap(({ fields }) => Object.values(fields))
  const changed = fc.tuple(fc.nat({ max: 4095 }), fc.nat({ max: 255 }), textMutations).map(([which, name, changes]) => {
    const from = good[which % good.length] ?? { kind: '', settings: {}, fields: {} }
    const names = Object.keys(from.fields)
    const field = names[name % names.length] ?? ''
    return { ...from, fields: { ...from.fields, [field]: changedText(from.fields[field] ?? '', changes, texts) } }
  })
  const random = fc.tuple(fc.nat({ max: 4095 }), fc.string({ unit: 'binary', maxLength: 200 })).map(([which, text]) => {
    const from = good[which % good.length] ?? { kind: '', settings: {}, fields: {} }
    return { ...from, fields: Object.fromEntries(Object.keys(from.fields).map((field) => [field, text])) }
  })
  const target: Target<Fields> = {
    name: 'headers',
    share: 24,
    inputs: fc.oneof({ arbitrary: changed, weight: 9 }, { arbitrary: random, weight: 1 }),
    good,
    judge: read,
  }
  return [target]
}
