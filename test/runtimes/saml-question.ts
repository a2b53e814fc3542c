import { appraise } from '../../src/appraise.ts'
import { authenticatedAs } from '../../src/domain/client.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import { secret } from '../../src/domain/secret.ts'
import { tokenTypes } from '../../src/domain/token-type.ts'
import { newTrace } from '../../src/domain/trace.ts'
import { decodeBase64, encodeBase64 } from '../../src/formats/base64.ts'
import { encodeBase64url, encodeTextBase64url } from '../../src/formats/base64url.ts'
import { FormatError } from '../../src/formats/format-error.ts'
import { assertionInResponse } from '../../src/formats/saml/response.ts'
import { createApp } from '../../src/http/app.ts'
import { importKeyring, type Keyring } from '../../src/mint/keyring.ts'
import { openPlaceOn, type Place, type Platform } from '../world/platform-place.ts'
import {
  clientId,
  clientSecret,
  documentsFor,
  type SamlSetting,
  type TrustedProvider,
  target,
  us,
} from './saml-documents.ts'

/** Questions about assertions that travel as JSON, and their answers. Nothing here names a platform. */

export interface SamlQuestion {
  readonly setting: SamlSetting
  /** An assertion, or a Response from which the caller takes it. */
  readonly kind: 'assertion' | 'response'
  /** The document, whatever it is, in base64. */
  readonly document: string
}

export type SamlAnswer = (
  | {
      readonly accepted: true
      /** The subject of the canonical identity. */
      readonly subject: string
      /** All that rules could read, and what they made of it. */
      readonly read: unknown
    }
  | { readonly accepted: false; readonly fault: string }
) & {
  /** What the token endpoint says to the same; absent where it is not asked, since there is nothing to ask with. */
  readonly endpoint?: { readonly status: number; readonly error?: string }
  /** Requests to anywhere. */
  readonly outbound: number
}

/** Answers questions by the code of production on one platform. */
export interface SamlAnswerer {
  readonly answerTo: (question: SamlQuestion) => Promise<SamlAnswer>
}

/** An answerer on `platform`. Every question finds a dragoman that has seen nothing yet. */
export const createSamlAnswerer = async (platform: Platform): Promise<SamlAnswerer> => {
  const keyring = await newKeyring(platform)
  const usable = createUsable(platform, keyring)
  return {
    async answerTo({ setting, kind, document }) {
      const token = kind === 'assertion' ? subjectToken(decodeBase64(document)) : tokenFromResponse(document)
      if (token === undefined) return { accepted: false, fault: 'no assertion can be taken out', outbound: 0 }
      const providers = await usable(setting)
      const open = () => openWith(providers, setting, platform, keyring)
      const [first, second] = [await open(), await open()]
      const answer = await appraised(token, first, setting)
      const endpoint = await asked(token, second)
      return { ...answer, endpoint, outbound: first.outboundAttempts() + second.outboundAttempts() }
    },
  }
}

const newKeyring = async ({ signatures }: Platform): Promise<Keyring> => {
  const privateKey = await signatures.generate('ES256')
  return importKeyring([{ kid: 'test', alg: 'ES256', createdAt: 0, activeFrom: 0, privateKey }], signatures)
}

const subjectToken = (octets: Uint8Array): string => encodeBase64url(octets)

/** What a caller does with a Response; undefined where it finds no assertion to present. */
const tokenFromResponse = (document: string): string | undefined => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(decodeBase64(document))
    return encodeTextBase64url(assertionInResponse(text))
  } catch (thrown) {
    if (thrown instanceof FormatError || thrown instanceof TypeError) return undefined
    throw thrown
  }
}

const openWith = async (
  providers: readonly TrustedProvider[],
  setting: SamlSetting,
  platform: Platform,
  keyring: Keyring,
): Promise<Place> =>
  openPlaceOn(platform, {
    issuer: us,
    now: () => setting.now,
    keyring,
    ...documentsFor(providers, setting, await platform.digest.sha256(clientSecret)),
  })

/**
 * The providers of a setting, with those of their certificates that a map can be opened with: an operator who is told
 * that one is no good leaves it out.
 */
const createUsable = (platform: Platform, keyring: Keyring) => {
  const known = new Map<string, readonly TrustedProvider[]>()
  return async (setting: SamlSetting): Promise<readonly TrustedProvider[]> => {
    const name = JSON.stringify(setting)
    const found = known.get(name) ?? (await usableOf(setting, platform, keyring))
    known.set(name, found)
    return found
  }
}

const usableOf = async (
  setting: SamlSetting,
  platform: Platform,
  keyring: Keyring,
): Promise<readonly TrustedProvider[]> => {
  const found: TrustedProvider[] = []
  for (const { entityID, certificates } of setting.providers) {
    const good: string[] = []
    for (const certificate of certificates) {
      const alone = [{ entityID, certificates: [certificate] }]
      if (await canBeOpened(alone, setting, platform, keyring)) good.push(certificate)
    }
    if (good.length > 0) found.push({ entityID, certificates: good })
  }
  return found
}

const canBeOpened = (...place: Parameters<typeof openWith>): Promise<boolean> =>
  openWith(...place).then(
    () => true,
    () => false,
  )

const client = authenticatedAs({
  id: clientId,
  method: 'client_secret_basic',
  rights: { sources: ['**'], audiences: [target], scopes: [] },
})

const appraised = async (token: string, { desk }: Place, { now }: SamlSetting) => {
  const request = {
    client: { method: 'client_secret_basic' as const, id: client.id, secret: secret('') },
    subject: { type: tokenTypes.saml2, raw: secret(token) },
    targets: [target],
  }
  try {
    const { credential, identity } = await appraise(request, client, desk, now, newTrace('', now, true))
    const read = { claims: credential.claims, identity: { ...identity, attributes: [...identity.attributes] } }
    return { accepted: true, subject: identity.subject.value, read } as const
  } catch (thrown) {
    return {
      accepted: false,
      fault: thrown instanceof Refusal ? thrown.message : `a defect: ${String(thrown)}`,
    } as const
  }
}

/** The same over HTTP, the whole way. */
const asked = async (token: string, { desk }: Place): Promise<NonNullable<SamlAnswer['endpoint']>> => {
  const response = await createApp(() => desk).fetch(
    new Request(`${us}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${encodeBase64(new TextEncoder().encode(`${clientId}:${clientSecret}`))}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: tokenTypes.saml2,
        audience: target,
      }).toString(),
    }),
  )
  const { error } = (await response.json()) as { readonly error?: string }
  return { status: response.status, ...(error === undefined ? {} : { error }) }
}
