import type { OriginalRequest } from '../domain/original-request.ts'
import { hasPort, requestMatcher } from '../formats/request-pattern.ts'
import type { KeptSecret } from '../sources/kept-secret.ts'
import type { CredentialSettings } from './credential-settings.ts'
import type { AnyObtainer, CommonSettings, PrepareTools } from './obtainer.ts'
import type { Destinations, PartnerRegistration } from './partner-document.ts'

/** A Partner document, made ready. */
export interface PreparedPartner extends Omit<PartnerRegistration, 'credential'> {
  /** Digest of everything that the document says: what was obtained under another revision is not used. */
  readonly revision: string
  readonly credential: PreparedCredential
  /** Who may depends on what is asked of the partner. */
  readonly readsRequest: boolean
  /** Who may depends on the time. */
  readonly readsNow: boolean
  /** Does a request go to this partner? */
  isDestination(request: OriginalRequest): boolean
}

/** A credential's settings, made ready, and those of the credential that it is obtained with. */
export interface PreparedCredential {
  readonly obtainer: AnyObtainer
  readonly config: CommonSettings
  readonly prepared: unknown
  readonly secrets: readonly KeptSecret[]
  readonly from?: PreparedCredential
  /** Each identity has one of its own: it says who the identity is, rests on one that does, or is told to. */
  readonly isPerIdentity: boolean
}

/**
 * Makes a Partner document ready.
 *
 * @throws Error that says which secret or file is missing
 */
export const preparePartner = async (
  registration: PartnerRegistration,
  tools: Omit<PrepareTools, 'partner' | 'allowHosts'>,
): Promise<PreparedPartner> => {
  const { name, credential, calls, destinations } = registration
  const ready = await prepareCredential(credential, { ...tools, partner: name, allowHosts: calls.allowHosts })
  const reads = (variable: string) =>
    registration.allow.some(({ expression }) => expression?.reads.includes(variable) === true)
  const said = JSON.stringify({ ...registration, location: undefined, credential: spokenOf(credential) })
  return {
    ...registration,
    credential: ready,
    revision: await tools.ports.digest.sha256(said),
    readsRequest: reads('request'),
    readsNow: reads('now'),
    isDestination: destinationMatcher(destinations),
  }
}

/** A host without a port means the usual port: what listens at another one need not be the partner. */
const destinationMatcher = ({ hosts, paths, methods, requireTLS }: Destinations): PreparedPartner['isDestination'] => {
  const isMeant = requestMatcher({ hosts, paths, methods })
  const isMeantThere = requestMatcher({ hosts: hosts.filter(hasPort), paths, methods })
  const usual = requireTLS ? ['443'] : ['443', '80']
  return ({ method, host, port, path }) =>
    port === undefined || usual.includes(port)
      ? isMeant({ method, host, path, port: port ?? '443' })
      : isMeantThere({ method, host, port, path })
}

/** Settings hold references to secrets, so that a secret never becomes part of this text. */
const spokenOf = ({ obtainer, config, from }: CredentialSettings): unknown => ({
  kind: obtainer.kind,
  config,
  from: from && spokenOf(from),
})

const prepareCredential = async (
  { obtainer, config, from }: CredentialSettings,
  tools: PrepareTools,
): Promise<PreparedCredential> => {
  const prepared = await obtainer.prepare(config, tools)
  const inner = from && (await prepareCredential(from, tools))
  return {
    obtainer,
    config,
    prepared,
    secrets: obtainer.secrets(prepared),
    ...(inner === undefined ? {} : { from: inner }),
    isPerIdentity: (config.perIdentity ?? obtainer.namesParty(config)) || (inner?.isPerIdentity ?? false),
  }
}
