import type { Instant, Seconds } from '../domain/time.ts'
import { FormatError } from '../formats/format-error.ts'
import { bundleOfMembers, parseSpiffeBundle, type SpiffeBundle } from '../formats/spiffe-bundle.ts'
import { endpointDomain } from '../formats/trust-domain-settings.ts'
import { type Certificate, parseCertificate } from '../formats/x509/certificate.ts'
import { spiffeIdOf, validateSvid } from '../formats/x509-svid.ts'
import type { CertificateSignatures } from '../ports/certificate-signatures.ts'
import type { Files } from '../ports/files.ts'
import { getJson } from './json-document.ts'
import type { Loaded } from './kept-fresh.ts'
import type { Outbound, OutboundPolicy } from './outbound.ts'
import type { BundleEndpoint, TrustBundleSpec } from './trust-bundle-spec.ts'

/** What a bundle is got with. */
export interface GetterTools {
  readonly ports: { readonly files: Pick<Files, 'read'>; readonly certificateSignatures: CertificateSignatures }
  readonly outbound: Outbound
}

type Authorities = readonly Certificate[]
type AuthoritiesOf = (spec: TrustBundleSpec, now: Instant) => Promise<Authorities>
type GetBundle = (now: Instant) => Promise<Loaded<SpiffeBundle>>

/** A file costs nothing to read again; an operator who replaces it does not want to wait. */
const fileFreshness: Seconds = 60

/** How often an endpoint is asked: as its hint says, within bounds; five minutes without one (Federation section 4.1). */
const refresh = { least: 60, byDefault: 300, most: 86_400 } as const

const freshnessOf = ({ refreshHint }: SpiffeBundle): Seconds =>
  Math.min(Math.max(refreshHint ?? refresh.byDefault, refresh.least), refresh.most)

/**
 * How to get the bundle from its place. What it returns throws OutboundError, StatusError, FormatError or what the files
 * port throws. `authoritiesOf` yields those of the trust domain that an endpoint is of, when that is another one.
 */
export const bundleGetter = (spec: TrustBundleSpec, tools: GetterTools, authoritiesOf: AuthoritiesOf): GetBundle => {
  const { place } = spec
  if (!('bundleFile' in place)) return fromEndpoint(spec, place.endpoint, tools, authoritiesOf)
  const { bundleFile } = place
  return async () => ({ value: parseSpiffeBundle(await tools.ports.files.read(bundleFile)), freshFor: fileFreshness })
}

/** What earlier answers of an endpoint have left behind. */
interface Memory {
  readonly bundle: SpiffeBundle
  /** The text of the configured file when they came. */
  readonly configured?: string
}

/** How one connection to an endpoint is judged. */
interface Judged {
  readonly policy: Pick<OutboundPolicy, 'judgeServer'>
  readonly configured?: string
}

type SpiffeEndpoint = Extract<BundleEndpoint, { profile: 'https_spiffe' }>

const fromEndpoint = (
  spec: TrustBundleSpec,
  endpoint: BundleEndpoint,
  tools: GetterTools,
  authoritiesOf: AuthoritiesOf,
): GetBundle => {
  let memory: Memory | undefined
  const judged = (now: Instant): Promise<Judged> | Judged =>
    endpoint.profile === 'https_web' ? { policy: {} } : bySvid(spec, endpoint, memory, tools, authoritiesOf, now)
  return async (now) => {
    const { policy, ...configured } = await judged(now)
    const { members } = await getJson(endpoint.url, { allowHosts: spec.allowHosts, ...policy }, tools.outbound)
    const bundle = bundleOfMembers(members)
    refuseOlder(bundle, memory?.bundle)
    memory = { ...configured, bundle }
    return { value: bundle, freshFor: freshnessOf(bundle) }
  }
}

/**
 * A bundle with a lower sequence number than one that was seen is an old copy: it could bring back keys that have been
 * revoked, so it is no better than no answer (Federation section 4.2).
 */
const refuseOlder = ({ sequence }: SpiffeBundle, known: SpiffeBundle | undefined): void => {
  if (sequence !== undefined && known?.sequence !== undefined && sequence < known.sequence)
    throw new FormatError('the bundle is older than one that was seen before')
}

/** The authorities that vouch for the endpoint's own trust domain, and the judge who goes by them. */
const bySvid = async (
  spec: TrustBundleSpec,
  endpoint: SpiffeEndpoint,
  memory: Memory | undefined,
  tools: GetterTools,
  authoritiesOf: AuthoritiesOf,
  now: Instant,
): Promise<Judged> => {
  const judgeBy = (authorities: Authorities) => ({ judgeServer: judgeOf(endpoint, authorities, tools, now) })
  if (endpoint.servedBy !== undefined) return { policy: judgeBy(await authoritiesOf(endpoint.servedBy, now)) }
  const configured = await readConfigured(endpoint.bundleFile ?? '', memory, tools)
  const isItsOwn = endpointDomain(endpoint) === spec.trustDomain
  // The latest bundle vouches for every later connection, unless the operator has put another one in place since.
  const { authorities } = isItsOwn && memory?.configured === configured ? memory.bundle : parseSpiffeBundle(configured)
  return { policy: judgeBy(authorities), configured }
}

/** The file is needed to begin with; that it is gone later need not stop anything. */
const readConfigured = async (path: string, memory: Memory | undefined, tools: GetterTools): Promise<string> => {
  try {
    return await tools.ports.files.read(path)
  } catch (cause) {
    if (memory?.configured === undefined) throw cause
    return memory.configured
  }
}

/**
 * The server must show a valid X.509-SVID with exactly the SPIFFE ID that was configured (Federation section 5.2.2.4).
 * What it returns throws FormatError, X509SvidError, PathError.
 */
const judgeOf =
  (
    { endpointSpiffeId }: SpiffeEndpoint,
    authorities: Authorities,
    tools: GetterTools,
    now: Instant,
  ): NonNullable<OutboundPolicy['judgeServer']> =>
  async (chain) => {
    const [leaf, ...intermediates] = chain.map(parseCertificate)
    if (leaf === undefined) throw new FormatError('the endpoint shows no certificate')
    const svid = { id: spiffeIdOf(leaf), leaf, intermediates }
    if (svid.id.text !== endpointSpiffeId) throw new FormatError('the endpoint shows another SPIFFE ID')
    await validateSvid(svid, { authorities, at: now, purpose: 'serverAuth' }, tools.ports.certificateSignatures)
  }
