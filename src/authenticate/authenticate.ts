import { authenticatedAs, type Client, type Rights } from '../domain/client.ts'
import type { ClientCredential } from '../domain/exchange.ts'
import { onTheWire, Refusal } from '../domain/refusal.ts'
import type { Instant } from '../domain/time.ts'
import type { Trace } from '../domain/trace.ts'
import type { AnyAuthenticator, Tools } from './authenticator.ts'
import { claimedClient } from './private_key_jwt.ts'
import { claimedSpiffeClient } from './spiffe_jwt.ts'

/** A Client document, made ready. */
export interface Registration {
  readonly id: string
  readonly rights: Rights
  readonly methods: readonly { readonly authenticator: AnyAuthenticator; readonly prepared: unknown }[]
}

/**
 * Credential -> Client: finds the registration that the caller claims and has the registered method prove it. There is
 * no anonymous exchange, and a method that is not registered for a client does not authenticate it.
 *
 * @throws Refusal `client.*`, `store.unavailable`, `keys.unavailable`
 */
export const authenticate = async (
  credential: ClientCredential,
  registrations: ReadonlyMap<string, Registration>,
  now: Instant,
  tools: Tools,
  trace: Trace,
): Promise<Client> => {
  const id = clientIdOf(credential)
  trace.clientMethod = credential.method
  const registration = registrations.get(id)
  if (registration === undefined) throw new Refusal('client.unknown', 'no Client document has this client_id')
  trace.client = id
  const methods = registration.methods.filter(({ authenticator }) => authenticator.presentedAs === credential.method)
  if (methods.length === 0)
    throw new Refusal('client.method_not_registered', `${id} is not registered for ${credential.method}`)
  const method = await firstThatProves(methods, credential, id, now, tools)
  trace.clientMethod = method
  return authenticatedAs({ id, method, rights: registration.rights })
}

/**
 * A certificate may be judged by several methods of one client, and one that proves it is enough. When none does, the last
 * refusal is told, but an outage before a verdict: what could not be judged has not been refused.
 */
const firstThatProves = async (
  methods: Registration['methods'],
  credential: ClientCredential,
  id: string,
  now: Instant,
  tools: Tools,
): Promise<string> => {
  let refusal = new Refusal('client.method_not_registered', 'no method is left')
  for (const { authenticator, prepared } of methods) {
    try {
      await authenticator.authenticate(credential, id, prepared, now, tools)
      return authenticator.kind
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      if (!isOutage(refusal)) refusal = thrown
    }
  }
  throw refusal
}

const isOutage = ({ reason }: Refusal): boolean => onTheWire(reason).status >= 500

const clientIdOf = (credential: ClientCredential): string => {
  if (!('assertion' in credential)) return credential.id
  const claimed = credential.method === 'spiffe_jwt' ? claimedSpiffeClient(credential) : claimedClient(credential)
  if (credential.id !== undefined && credential.id !== claimed)
    throw new Refusal('client.credential_invalid', 'client_id and the sub of the assertion differ')
  return claimed
}
