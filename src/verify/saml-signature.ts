import { Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import { note, type Trace } from '../domain/trace.ts'
import type { EnvelopedSignature } from '../formats/xml/signature.ts'
import { checkXmlSignature, type XmlSignatureVerdict } from '../formats/xml/signature-check.ts'
import type { SamlKeys } from '../sources/saml-metadata.ts'
import type { SamlConfig } from './saml-config.ts'
import type { Tools } from './verifier.ts'

/**
 * The signature holds under a key that the identity provider's metadata or the map's certificates name. When none of the
 * known keys has made it, the metadata is looked at again, since the provider may have begun to use a new one.
 *
 * @throws Refusal `credential.algorithm_not_allowed`, `credential.signature_invalid`, `credential.key_unknown`,
 *   `keys.unavailable`
 */
export const requireAssertionSignature = async (
  signature: EnvelopedSignature,
  config: SamlConfig,
  keys: SamlKeys,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<void> => {
  if (!config.algorithms.includes(signature.algorithm))
    throw new Refusal('credential.algorithm_not_allowed', `the map does not allow ${signature.algorithm}`)
  const { verdict, stale } = await verdictOn(signature, keys, now, tools)
  if (stale) trace.staleKeys = true
  note(trace, {
    stage: 'verify',
    check: 'signature',
    ok: verdict === 'holds',
    wanted: `${config.algorithms.join(', ')} by a key of ${config.entityID}`,
    seen: { value: `${signature.algorithm}: ${words[verdict]}`, sensitivity: 'public' },
  })
  note(trace, {
    stage: 'verify',
    check: 'signed',
    ok: verdict === 'holds',
    wanted: 'what the signature covers, and all that is read',
    seen: { value: signature.content },
  })
  if (verdict !== 'holds') throw new Refusal(reasons[verdict], words[verdict])
}

const words: Readonly<Record<XmlSignatureVerdict, string>> = {
  holds: 'it holds',
  digest: 'the assertion was changed after it was signed',
  signature: 'no known key of the identity provider has made the signature',
  no_key: 'the identity provider has no key of the kind that the algorithm takes',
}

const reasons = {
  digest: 'credential.signature_invalid',
  signature: 'credential.signature_invalid',
  no_key: 'credential.key_unknown',
} as const

const verdictOn = async (signature: EnvelopedSignature, keys: SamlKeys, now: Instant, { ports }: Tools) => {
  const known = await keys.current(now)
  const verdict = await checkXmlSignature(signature, known.keys, ports)
  if (verdict === 'holds' || verdict === 'digest' || known.justLoaded) return { verdict, stale: known.stale }
  const renewed = await keys.renewed(now)
  if (renewed.keys === known.keys) return { verdict, stale: renewed.stale }
  return { verdict: await checkXmlSignature(signature, renewed.keys, ports), stale: renewed.stale }
}
