import { type Metadata, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import type { Desk } from '../../desk.ts'
import type { Caller } from '../../domain/caller.ts'
import { Refusal } from '../../domain/refusal.ts'
import type { PreparedGateway } from '../../gateways/client-certificate.ts'
import { type CheckQuestion, deny, envoyGrpc, equip, permit, questionOf } from '../../gateways/envoy-grpc.ts'
import type { CheckRequest, CheckResponse } from '../../gateways/envoy-grpc-messages.ts'
import type { GatewayCall } from '../../gateways/gateway-authentication.ts'
import { asRefusal } from '../../http/answer.ts'
import { decide } from '../../http/authz.ts'
import { decideDeparture } from '../../http/egress.ts'
import type { Inquiry } from '../../http/inquiry.ts'
import type { Admission } from './admission.ts'
import type { CallerOfCall } from './grpc-listener.ts'

/** The metadata in which a gateway says which Gateway document is about it. Its own configuration puts it there. */
const gatewayMetadata = 'x-dragoman-gateway'

/** What Envoy takes for a failure of ours. It lets nothing through then, unless it is told otherwise. */
const unavailable = (details: string) => ({ code: status.UNAVAILABLE, details })

/** Attends to calls of envoy.service.auth.v3.Authorization/Check. `desk` is undefined before documents are in force. */
export const checkImplementation = (desk: () => Desk | undefined, callerOf: CallerOfCall, admission: Admission) => {
  const attend = async (
    call: ServerUnaryCall<CheckRequest, CheckResponse>,
    answer: sendUnaryData<CheckResponse>,
  ): Promise<void> => {
    const inForce = desk()
    if (inForce === undefined) return answer(unavailable('no documents are in force'))
    if (!admission.enter()) return answer(unavailable('too many calls at once'))
    const response = await respond(call, callerOf, inForce).catch((thrown: unknown) => {
      asRefusal(thrown, inForce.ports.ids.next(), inForce.ports.log)
      return undefined
    })
    admission.leave()
    if (response === undefined) answer(unavailable('there is no deciding at the moment'))
    else answer(null, response)
  }
  return {
    check: (call: ServerUnaryCall<CheckRequest, CheckResponse>, answer: sendUnaryData<CheckResponse>): void =>
      void attend(call, answer),
  }
}

const respond = async (
  { metadata, request }: ServerUnaryCall<CheckRequest, CheckResponse>,
  callerOf: CallerOfCall,
  desk: Desk,
): Promise<CheckResponse | undefined> => {
  const call = { header: (name: string) => fieldOf(metadata, name) }
  const caller = callerOf(metadata)
  const gateway = call.header(gatewayMetadata) ?? (await onlyGateway(call, caller, desk))
  const inquiry = { gateway, call, caller: () => caller, question: questionFor(request) }
  return desk.gateways.outward.has(gateway) ? equipping(inquiry, desk) : deciding(inquiry, desk)
}

const questionFor =
  (request: CheckRequest) =>
  (gateway: PreparedGateway): CheckQuestion => {
    if (!speaks(gateway)) throw new Refusal('gateway.unknown', `${gateway.name} is not of the dialect envoy-grpc`)
    return questionOf(request)
  }

const equipping = async (inquiry: Inquiry<PreparedGateway, CheckQuestion>, desk: Desk) => {
  const verdict = await decideDeparture(inquiry, desk)
  const { said } = verdict
  return 'denial' in verdict
    ? deny(verdict.denial, said, verdict.gateway !== undefined && speaks(verdict.gateway))
    : equip(verdict.permission, said, verdict.question)
}

const deciding = async (inquiry: Inquiry<PreparedGateway, CheckQuestion>, desk: Desk) => {
  const verdict = await decide(inquiry, desk)
  const { said } = verdict
  if ('denial' in verdict) return deny(verdict.denial, said, verdict.gateway !== undefined && speaks(verdict.gateway))
  const { permission, gateway, question } = verdict
  const carriers = { own: gateway.carriers, all: desk.gateways.carriers }
  return permit(permission, gateway.decisions.settings, said, question, carriers)
}

/**
 * Istio, Envoy Gateway and others have no place for metadata. Who names no gateway is the only one of this dialect that
 * it has proven to be; of two nobody could say which is meant. One that cannot be judged now is judged, and recorded,
 * when it is asked for by its name.
 */
const onlyGateway = async (call: GatewayCall, caller: Caller, { gateways, ports }: Desk): Promise<string> => {
  const candidates = gateways.all.filter(speaks)
  const now = ports.clock.now()
  const judged = await Promise.allSettled(candidates.map(({ isCaller }) => isCaller(call, caller, now)))
  const possible = candidates.filter((_, at) => {
    const verdict = judged[at]
    return verdict?.status !== 'fulfilled' || verdict.value
  })
  return possible.length === 1 ? (possible[0]?.name ?? '') : ''
}

const speaks = ({ decisions, departures }: PreparedGateway): boolean =>
  decisions?.dialect === envoyGrpc || departures?.dialect === envoyGrpc

/** Metadata are header fields (gRPC over HTTP2, section Requests). */
const fieldOf = (metadata: Metadata, name: string): string | undefined => {
  const values = metadata.get(name)
  return values.length === 0 ? undefined : values.join(', ')
}
