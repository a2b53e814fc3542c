import type { CanonicalIdentity } from '../domain/identity.ts'
import type { Instant } from '../domain/time.ts'
import type { Digest } from '../ports/digest.ts'
import type { KeptSecret, SecretInUse } from '../sources/kept-secret.ts'
import type { Need } from './obtainer.ts'
import { apart, partyOf } from './party.ts'
import type { PreparedCredential, PreparedPartner } from './prepared-partner.ts'

/** One request for one credential, or for one that it rests on. */
export interface Errand {
  readonly partner: PreparedPartner
  readonly credential: PreparedCredential
  /** Where it stands: the partner's own, `.from`, `.from.from`. */
  readonly path: string
  readonly identity: CanonicalIdentity
  readonly scopes?: readonly string[]
  readonly now: Instant
}

/** The secrets of a credential, as they are presented this time. */
export type SecretsInUse = ReadonlyMap<KeptSecret, SecretInUse>

/** An errand, and all that what comes of it depends on. */
export interface ReadyErrand extends Errand {
  readonly secrets: SecretsInUse
  readonly need: Need
  /** The digest of all of it. */
  readonly key: string
}

/** @throws Refusal `secret.unavailable`, `identity.invalid` */
export const readied = async (errand: Errand, digest: Digest): Promise<ReadyErrand> => {
  const secrets = await secretsInUse(errand.credential, errand.now)
  const need = needOf(errand)
  return { ...errand, secrets, need, key: await keyOf(errand, secrets, need, digest) }
}

/** @throws Refusal `secret.unavailable` */
export const secretsInUse = async ({ secrets }: PreparedCredential, now: Instant): Promise<SecretsInUse> =>
  new Map(await Promise.all(secrets.map(async (of) => [of, await of.read(now)] as const)))

/** The kind of a credential, and of those that it rests on. */
export const kindsOf = ({ obtainer, from }: PreparedCredential): readonly string[] => [
  obtainer.kind,
  ...(from === undefined ? [] : kindsOf(from)),
]

/** Who names nobody hears of nobody. */
const needOf = ({ credential, identity, partner, scopes }: Errand): Need => {
  const { obtainer, config } = credential
  return {
    ...(obtainer.namesParty(config) ? { party: partyOf(identity, partner.release) } : {}),
    ...(scopes === undefined ? {} : { scopes }),
  }
}

/**
 * The digest of everything that a credential depends on. What it rests on is obtained with the same identity under the
 * same document, and with secrets whose versions are in here too.
 */
const keyOf = async (
  { partner, credential, path, identity, now }: Errand,
  secrets: SecretsInUse,
  need: Need,
  digest: Digest,
): Promise<string> =>
  digest.sha256(
    JSON.stringify([
      partner.name,
      partner.revision,
      path,
      versionsOf(secrets),
      await versionsBelow(credential.from, now),
      need,
      credential.isPerIdentity ? [apart(identity), partyBelow(credential.from, identity, partner)] : null,
    ]),
  )

const versionsOf = (secrets: SecretsInUse): readonly string[] => [...secrets.values()].map(({ version }) => version)

const versionsBelow = async (credential: PreparedCredential | undefined, now: Instant): Promise<readonly string[]> =>
  credential === undefined
    ? []
    : [...versionsOf(await secretsInUse(credential, now)), ...(await versionsBelow(credential.from, now))]

/** What the credentials below say of the identity is part of what comes of them. */
const partyBelow = (
  credential: PreparedCredential | undefined,
  identity: CanonicalIdentity,
  partner: PreparedPartner,
): unknown => {
  if (credential === undefined) return null
  const { obtainer, config, from } = credential
  const own = obtainer.namesParty(config) ? partyOf(identity, partner.release) : null
  return [own, partyBelow(from, identity, partner)]
}
