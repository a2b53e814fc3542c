import type { OriginalRequest } from '../domain/original-request.ts'
import { Refusal } from '../domain/refusal.ts'
import type { PreparedPartner } from './prepared-partner.ts'

/** All partners of the documents. */
export interface Partners {
  readonly all: readonly PreparedPartner[]
  /** Those that a request may be meant for: one, unless documents overlap. */
  at(request: OriginalRequest): readonly PreparedPartner[]
  /**
   * The one whose audience is among what the token endpoint was asked for; undefined: no partner's is.
   *
   * @throws Refusal `target.too_many` where it is not the only one: a partner's credential is for nobody else
   */
  asked(targets: readonly string[]): PreparedPartner | undefined
  byName(name: string): PreparedPartner | undefined
}

/** Hosts that are written out are looked up; only partners with a glob among their hosts are tried one by one. */
export const partnersOf = (all: readonly PreparedPartner[]): Partners => {
  const isPlain = ({ destinations }: PreparedPartner) => destinations.hosts.every((host) => !/[*:[]/.test(host))
  const byHost = Map.groupBy(
    all
      .filter(isPlain)
      .flatMap((partner) => [...new Set(partner.destinations.hosts)].map((host) => ({ host, partner }))),
    ({ host }) => host,
  )
  const others = all.filter((partner) => !isPlain(partner))
  const audiences = new Map(all.map((partner) => [partner.audience, partner]))
  const names = new Map(all.map((partner) => [partner.name, partner]))
  return {
    all,
    at: (request) =>
      [...(byHost.get(request.host) ?? []).map(({ partner }) => partner), ...others].filter((partner) =>
        partner.isDestination(request),
      ),
    asked(targets) {
      if (audiences.size === 0) return undefined
      const [partner] = targets.flatMap((target) => audiences.get(target) ?? [])
      if (partner !== undefined && targets.length > 1)
        throw new Refusal('target.too_many', `${partner.name} is a partner, whose credential is for nobody else`)
      return partner
    },
    byName: (name) => names.get(name),
  }
}
