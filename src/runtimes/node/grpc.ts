import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import type { Admission } from './admission.ts'
import { checkImplementation } from './grpc-check.ts'
import { authorizationDefinition, authorizationService, healthDefinition, servingStatus } from './grpc-definitions.ts'
import { type GrpcListener, listenGrpc } from './grpc-listener.ts'
import type { Live } from './live.ts'
import type { ServerOptions } from './server-options.ts'
import { readTls } from './tls.ts'

/**
 * Opens the port at which gateways ask over gRPC.
 *
 * @throws Error naming the address when it is taken, or the file of TLS that cannot be used
 */
export const openGrpc = async (
  { host, tls }: ServerOptions,
  port: number,
  live: Live,
  admission: Admission,
): Promise<GrpcListener> => {
  const authorization = await authorizationDefinition()
  return listenGrpc(
    (callerOf) => [
      { definition: authorization, implementation: checkImplementation(() => live.desk, callerOf, admission) },
      { definition: healthDefinition(), implementation: healthImplementation(live) },
    ],
    host,
    port,
    tls === undefined ? undefined : { files: tls, material: await readTls(tls) },
  )
}

interface HealthRequest {
  /** Empty: the server as a whole. */
  readonly service?: string
}

interface HealthResponse {
  readonly status: number
}

/** The health of the server, for load balancers: whoever may connect may ask, as at /readyz. */
const healthImplementation = (live: Live) => ({
  check(
    { request: { service = '' } }: ServerUnaryCall<HealthRequest, HealthResponse>,
    answer: sendUnaryData<HealthResponse>,
  ): void {
    const isOurs = service === '' || service === authorizationService
    const state = live.desk === undefined || live.stopping ? servingStatus.notServing : servingStatus.serving
    answer(isOurs ? null : { code: status.NOT_FOUND, details: 'there is no such service' }, { status: state })
  },
})
