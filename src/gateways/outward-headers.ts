import type { Presentation } from '../domain/partner.ts'
import { identityHeaders } from '../formats/gateway-decision-settings.ts'
import type { DepartureSettings } from '../formats/gateway-departure-settings.ts'
import { otherSpellings } from '../formats/header-spellings.ts'
import { rivalHeaders } from './rival-headers.ts'

/** The headers in which a request carries a credential of ours. */
export const tokenHeaders = ({ credentialFrom }: Pick<DepartureSettings, 'credentialFrom'>): readonly string[] =>
  credentialFrom.flatMap((place) => ('header' in place ? [place.header] : []))

/** What opens doors here must not travel. */
const ours = ['cookie', 'proxy-authorization', 'txn-token', 'x-dragoman-token']

/**
 * What goes off every request on its way out, lower-case: our credentials, who was there, certificates, which stand in the
 * headers `carriers`, and what names another request than the one that the partner's document lets through.
 */
export const outwardRemovals = (
  settings: Pick<DepartureSettings, 'credentialFrom'>,
  carriers: readonly string[],
): readonly string[] => [
  ...new Set([
    ...tokenHeaders(settings),
    ...ours,
    ...Object.values(identityHeaders).map((name) => name.toLowerCase()),
    ...carriers,
    ...rivalHeaders,
  ]),
]

const spelt = new WeakMap<readonly string[], readonly string[]>()

/**
 * What a gateway is told to take off that goes by the very names: beside `remove` whatever some servers read like it, and
 * like what is set. Requests of one partner share what is found once.
 */
export const everySpelling = ({ set, remove }: Pick<Presentation, 'set' | 'remove'>): readonly string[] => {
  const known = spelt.get(remove)
  if (known !== undefined) return known
  const names = set.map(([name]) => name)
  const all = new Set([...remove, ...[...names, ...remove].flatMap(otherSpellings)])
  const found = [...all].filter((name) => !names.includes(name))
  spelt.set(remove, found)
  return found
}
