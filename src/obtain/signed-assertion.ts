import type { Claims, Json } from '../domain/claims.ts'
import { Refusal } from '../domain/refusal.ts'
import { type Secret, secret } from '../domain/secret.ts'
import { encodeBase64url } from '../formats/base64url.ts'
import type { PresentedSecret } from '../formats/secret-settings.ts'
import { publicHalf } from '../formats/signing-key.ts'
import type { JwsAlgorithm, SigningKey } from '../ports/signatures.ts'
import { type KeptSecret, openKeptSecret } from '../sources/kept-secret.ts'
import type { ObtainTools, PrepareTools } from './obtainer.ts'
import { privateJwk } from './private-key.ts'

/** A private key that is kept as a secret, and what it signs with. */
export interface SigningSecret {
  readonly kept: KeptSecret
  readonly algorithm: JwsAlgorithm
}

/** @throws Error that says which secret is missing or no key for `algorithm` */
export const openSigningSecret = async (
  places: PresentedSecret,
  algorithm: JwsAlgorithm,
  tools: PrepareTools,
  name: string,
): Promise<SigningSecret> => ({ kept: await openKeptSecret(places, tools, name), algorithm })

interface ReadyKey {
  readonly key: SigningKey
  readonly publicJwk: Claims
}

/** Keys that were imported, with the secret that they came from: a secret that changes is another object. */
const imported = new WeakMap<Secret<string>, Map<JwsAlgorithm, Promise<ReadyKey>>>()

const readyKey = (value: Secret<string>, algorithm: JwsAlgorithm, tools: ObtainTools): Promise<ReadyKey> => {
  const ofValue = imported.get(value) ?? new Map<JwsAlgorithm, Promise<ReadyKey>>()
  imported.set(value, ofValue)
  const ready = ofValue.get(algorithm) ?? importKey(value, algorithm, tools)
  ofValue.set(algorithm, ready)
  return ready
}

const importKey = async (value: Secret<string>, algorithm: JwsAlgorithm, tools: ObtainTools): Promise<ReadyKey> => {
  try {
    const jwk = await privateJwk(value.reveal(), algorithm)
    return { key: await tools.ports.signatures.importPrivateKey(jwk, algorithm), publicJwk: publicHalf(jwk, algorithm) }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be imported'
    throw new Refusal('secret.unavailable', `the key of ${tools.partner} cannot be used: ${why}`)
  }
}

/**
 * A compact JWS (RFC 7515 section 3.1) of these claims.
 *
 * @throws Refusal `secret.unavailable` when the secret is no key for the algorithm
 */
export const signJwt = async (
  { header, claims }: { readonly header?: Claims; readonly claims: Readonly<Record<string, Json>> },
  signing: SigningSecret,
  tools: ObtainTools,
): Promise<Secret<string>> => {
  const { key } = await readyKey(tools.secret(signing.kept), signing.algorithm, tools)
  const input = `${encoded({ alg: signing.algorithm, typ: 'JWT', ...header })}.${encoded(claims)}`
  return secret(`${input}.${encodeBase64url(await tools.ports.signatures.sign(key, input))}`)
}

/** A signature over `text` itself, in the form of JWS. @throws Refusal `secret.unavailable` */
export const signText = async (text: string, signing: SigningSecret, tools: ObtainTools): Promise<Uint8Array> => {
  const { key } = await readyKey(tools.secret(signing.kept), signing.algorithm, tools)
  return tools.ports.signatures.sign(key, text)
}

/** The public half of the key. @throws Refusal `secret.unavailable` */
export const publicKeyOf = async (signing: SigningSecret, tools: ObtainTools): Promise<Claims> =>
  (await readyKey(tools.secret(signing.kept), signing.algorithm, tools)).publicJwk

const utf8 = new TextEncoder()
const encoded = (value: Claims): string => encodeBase64url(utf8.encode(JSON.stringify(value)))
