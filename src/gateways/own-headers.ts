import { Refusal } from '../domain/refusal.ts'
import { identityHeaders, type RespondSettings } from '../formats/gateway-decision-settings.ts'
import { otherSpellings } from '../formats/header-spellings.ts'
import type { Question } from './dialect.ts'

/** The headers, lower-case, in which the service hears of us: what a client wrote there is overwritten. */
export const ownHeaders = ({ header }: RespondSettings): readonly string[] =>
  [header, ...Object.values(identityHeaders)].map((name) => name.toLowerCase())

/** Names under which a client could speak in our place, since nobody overwrites them and some services read them alike. */
export const impostorsOf = (respond: RespondSettings): readonly string[] => ownHeaders(respond).flatMap(otherSpellings)

/**
 * For gateways that cannot be told to remove such headers.
 *
 * @throws Refusal `request.header_spoofed`
 */
export const refuseImpostors = (field: Question['field'], impostors: readonly string[]): void => {
  const found = impostors.find((name) => field(name) !== undefined)
  if (found !== undefined) throw new Refusal('request.header_spoofed', `${found} is read by some services as ours`)
}
