import type { Instant, Seconds } from '../../src/domain/time.ts'

/** An identity provider that is trusted by the certificates of its keys, in PEM. */
export interface TrustedProvider {
  readonly entityID: string
  readonly certificates: readonly string[]
}

/** Whom a dragoman trusts, what it is called, and when. */
export interface SamlSetting {
  readonly providers: readonly TrustedProvider[]
  readonly now: Instant
  readonly clockSkew: Seconds
  readonly audience: string
  readonly recipient: string
  /** Absent: those of a map that does not say. */
  readonly algorithms?: readonly string[]
  /** Our own, for what is encrypted to us: PKCS #8 in PEM. */
  readonly decryptionKeys?: readonly string[]
}

/** The documents of a dragoman, and the files and secrets that they name. */
export interface Documents {
  readonly documents: readonly object[]
  readonly files: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}

/** Our token endpoint is below this. */
export const us = 'https://dragoman.example.com'
/** Whom canonical tokens are for. */
export const target = 'https://svc-b.internal'
export const clientId = 'svc-a'
export const clientSecret = 'svc-a-secret-of-at-least-32-characters'

/** A map for each of `providers`, and a client that may ask. `secretDigest` is the SHA-256 of its secret in base64url. */
export const documentsFor = (
  providers: readonly TrustedProvider[],
  setting: SamlSetting,
  secretDigest: string,
): Documents => ({
  documents: [
    ...providers.map((provider, n) => document('TrustMap', `provider-${n}`, mapFor(provider, n, setting))),
    document('Client', clientId, clientWith(secretDigest)),
  ],
  files: Object.fromEntries(
    providers.flatMap(({ certificates }, n) => certificates.map((pem, m) => [certificateFile(n, m), pem])),
  ),
  secrets: Object.fromEntries((setting.decryptionKeys ?? []).map((pem, n) => [keyFile(n), pem])),
})

const document = (kind: string, name: string, spec: object) => ({
  apiVersion: 'dragoman/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const certificateFile = (provider: number, certificate: number) => `provider-${provider}-${certificate}.pem`
const keyFile = (n: number) => `decryption-${n}.pem`

/** The subject as it is, groups as a list. */
const mapFor = ({ entityID, certificates }: TrustedProvider, n: number, setting: SamlSetting) => ({
  source: {
    saml: {
      entityID,
      certificates: certificates.map((_, m) => certificateFile(n, m)),
      audiences: [setting.audience],
      recipient: setting.recipient,
      clockSkew: `${setting.clockSkew}s`,
      attributes: { groups: { name: 'groups', list: true } },
      ...(setting.algorithms === undefined ? {} : { algorithms: setting.algorithms }),
      ...(setting.decryptionKeys === undefined
        ? {}
        : { decryptionKey: setting.decryptionKeys.map((_, m) => ({ file: keyFile(m) })) }),
    },
  },
  rules: [
    {
      name: 'everyone',
      identity: { type: 'user', subject: { claim: 'sub' }, groups: { claim: 'groups', required: false } },
      grant: { audiences: [target], ttl: '5m' },
    },
  ],
})

const clientWith = (secretDigest: string) => ({
  authentication: [{ method: 'client_secret_basic', secrets: [{ sha256: secretDigest }] }],
  may: { sources: ['**'], audiences: [target] },
})
