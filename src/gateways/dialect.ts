import type { Caller } from '../domain/caller.ts'
import type { Denial, Equipped, Permission } from '../domain/decision.ts'
import type { OriginalRequest } from '../domain/original-request.ts'
import type { OutgoingRequest } from '../domain/partner.ts'
import type { PresentedCertificate } from '../domain/presented-certificate.ts'
import type { Stated } from '../formats/certificate-headers/certificate-headers.ts'
import type { DecisionSettings } from '../formats/gateway-decision-settings.ts'
import type { DepartureSettings } from '../formats/gateway-departure-settings.ts'
import type { GatewayCall } from './gateway-authentication.ts'

/** What a gateway asks about, whichever way it asked: a request that a client made of it. */
export interface Question {
  /** @throws Refusal `request.original_*`, `request.path_ambiguous` */
  original(): OriginalRequest
  /** A header field of the client's request by its lower-case name; of several with one name, joined by `, `. */
  field(name: string): string | undefined
  /**
   * The client certificate, where the dialect itself has a place for it. It counts only where the Gateway document does
   * not name a header instead.
   *
   * @throws FormatError
   */
  certificate?(): Stated
  /** The route that the gateway's operator chose for the request, where the dialect has a place to say so. */
  readonly route?: string
}

/** What the gateways of a dialect understand of an answer. */
export interface Capabilities {
  /** 429 (RFC 6585 section 4) reaches the client; otherwise it is 403. */
  readonly tooManyRequests: boolean
  /** How an outage of ours is answered: 503 only where the gateway takes it for a failure and lets nothing through. */
  readonly outage: 403 | 503
  /** We can name headers that it takes off the request. */
  readonly removal: boolean
  /** It has a place of its own for the client certificate. */
  readonly certificate: boolean
  /** It may keep an answer for as long as the answer says. */
  readonly caching: boolean
  /** It tells the request as it will be sent and does not change it any more, so that it can be signed. */
  readonly signing: boolean
}

/** How one kind of gateway asks and what it understands. A dialect is one file here and one word in the catalog. */
export interface Dialect {
  /** Equals the file's name and the word under `dialect` in a Gateway document. */
  readonly kind: string
  readonly can: Capabilities
  /** It asks at the way out only. */
  readonly isOutwardOnly?: true
  /**
   * How it speaks over HTTP at /authz/NAME under a Gateway document that states certificates in the headers `carriers`;
   * absent: it does not. Asked once, when documents are loaded.
   */
  http?(settings: DecisionSettings, carriers: readonly string[]): HttpWords
  /**
   * How it asks for the credentials of partners, at the way out; `http` is absent where not over HTTP. Absent: it cannot.
   */
  readonly departures?: {
    http?(settings: DepartureSettings, carriers: readonly string[]): HttpWords<DepartureQuestion, Equipped>
  }
}

/** What a gateway asks about at the way out: a request that one of ours makes of a partner. */
export interface DepartureQuestion extends Pick<Question, 'original' | 'field' | 'certificate'> {
  /** What must be known to sign it over `fields`, lower-case names, where the dialect tells it. */
  outgoing?(fields: readonly string[]): Outgoing | Promise<Outgoing>
  /**
   * The certificate of who asks for itself, in place of what a gateway states.
   *
   * @throws Refusal `certificate.*`, `keys.unavailable`
   */
  presented?(): Promise<PresentedCertificate | undefined>
}

/** The rest of a request that is on its way out. */
export interface Outgoing extends Pick<OutgoingRequest, 'sentPath' | 'query' | 'headers' | 'contentDigest'> {
  /** The whole content, where the gateway shows it; what is said of its digest counts for nothing then. */
  readonly body?: Uint8Array
}

/** A dialect over HTTP. */
export interface HttpWords<Q = Question, P = Permission> {
  /**
   * What the call asks about. Nothing in its target chooses settings: gateways put what the client wrote there.
   *
   * @throws Refusal `request.*`
   */
  question(call: HttpCall): Q | Promise<Q>
  permit(permission: P, said: Said, question: Q): HttpAnswer
  /** `question` is absent where it could not be read or where nobody has proven to be a gateway. */
  deny(denial: Denial, said: Said, question?: Q): HttpAnswer
}

/** What an answer says beside the decision. */
export interface Said {
  readonly requestId: string
  /** The permission was given before, in the same words but for these. */
  readonly again: boolean
  /** Seconds for which the gateway may keep the answer; 0: it may not. */
  readonly maxAge: number
}

/** A call of a gateway over HTTP. A runtime may show its own without making a Request of it. */
export interface HttpCall extends GatewayCall {
  readonly method: string
  /** Path and query, as the platform has them. */
  readonly target: string
  /** `target` is what was sent, to the letter; platforms that parse URLs have resolved dots and slashes in it. */
  readonly isVerbatim: boolean
  /** The body, read no further than the limit. */
  body(): Promise<string>
  /** Who is at the other end of the connection. Throws a Refusal when what the platform says of it cannot be believed. */
  caller(): Caller
}

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
