import type { Desk } from '../desk.ts'
import { authzPath } from '../gateways/authz-path.ts'
import type { HttpAnswer } from '../gateways/dialect.ts'
import { refuseUnproven } from '../gateways/http-dialect.ts'
import { refuse } from '../gateways/token-form.ts'

/** The answers to requests that are turned away before anything is done for them, so that those in progress are served. */

const reason = 'service.overloaded'

/** At the endpoints of clients: 503 and when to come again. */
export const turnAwayClient = ({ ports }: Desk): HttpAnswer => refuse({ reason }, ports.ids.next())

/**
 * At the endpoints of gateways: what its gateway takes for an outage. Nobody has proven to be the gateway; that one of this
 * name is there is all that the answer tells.
 */
export const turnAwayGateway = (target: string, { gateways, ports }: Desk): HttpAnswer => {
  const said = { requestId: ports.ids.next(), again: false, maxAge: 0 }
  const name = authzPath(target)?.name ?? ''
  const words = gateways.open.get(name)?.decisions.words ?? gateways.outward.get(name)?.departures.words
  return words === undefined ? refuseUnproven(said) : words.deny({ kind: 'denied', reason }, said)
}
