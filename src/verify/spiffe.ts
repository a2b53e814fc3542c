import type { Credential } from '../domain/credential.ts'
import { trustDomainId } from '../domain/spiffe-id.ts'
import { tokenTypes } from '../domain/token-type.ts'
import { trustBundleSpecs } from '../sources/trust-bundle-spec.ts'
import { openTrustBundle } from '../sources/trust-bundles.ts'
import { assumeSvid } from './spiffe-assumed.ts'
import type { Prepared } from './spiffe-claims.ts'
import { audiencesOfSpiffe, issuersOfSpiffe, lintSpiffe, type SpiffeConfig, spiffeSchema } from './spiffe-config.ts'
import { audiencesOfJwtSvid, lastingJwtSvid, type PresentedJwtSvid, readJwtSvid, verifyJwtSvid } from './spiffe-jwt.ts'
import { audiencesOfX509Svid, type PresentedX509Svid, readX509Svid, verifyX509Svid } from './spiffe-x509.ts'
import type { Verifier } from './verifier.ts'

type Presented = PresentedX509Svid | PresentedJwtSvid

/** X.509-SVIDs and JWT-SVIDs, each by the bundle of the trust domain that it names (SPIFFE). */
export const spiffe: Verifier<SpiffeConfig, Presented, Prepared> = {
  kind: 'spiffe',
  tokenTypes: [tokenTypes.x509Chain, tokenTypes.jwt],
  schema: spiffeSchema,
  issuers: issuersOfSpiffe,
  audiences: audiencesOfSpiffe,
  clients: (config) => config.clients,
  lint: lintSpiffe,

  async prepare(config, tools) {
    const { algorithms, staleBundles: staleFor, allowHosts = [] } = config
    const specs = trustBundleSpecs(config.trustDomains, { algorithms, staleFor, allowHosts })
    return { config, bundles: new Map(specs.map((spec) => [spec.trustDomain, openTrustBundle(spec, tools)])) }
  },

  keySets: (prepared) => [...prepared.bundles.values()],

  read: (credential) => readSvid(credential),

  issuerOf: (presented) => trustDomainId(presented.id.trustDomain),

  audiencesOf: (presented) => (presented.svid === 'x509' ? audiencesOfX509Svid : audiencesOfJwtSvid(presented)),

  verify: (presented, prepared, now, tools, trace) =>
    presented.svid === 'x509'
      ? verifyX509Svid(presented, prepared, now, tools, trace)
      : verifyJwtSvid(presented, prepared, now, tools, trace),

  lasting: (presented, prepared, { expiresAt }) =>
    presented.svid === 'x509' ? undefined : lastingJwtSvid(presented, prepared, expiresAt),

  assume: assumeSvid,
}

const readSvid = (credential: Credential): Presented | undefined => {
  if (credential.type === tokenTypes.x509Chain) return readX509Svid(credential)
  return credential.type === tokenTypes.jwt ? readJwtSvid(credential) : undefined
}
