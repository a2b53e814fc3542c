import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ServiceDefinition } from '@grpc/grpc-js'
import { fromJSON, load, type PackageDefinition } from '@grpc/proto-loader'

/** The definitions of the gRPC services that we offer. Messages are plain objects with names in camel case. */

export const authorizationService = 'envoy.service.auth.v3.Authorization'

/** The package that brings the published protos of Envoy and of what they import. Nothing else of it is loaded. */
const protos = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json')), 'deps')

const folders = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate']

/** ext_authz version 3, as Envoy publishes it. Takes a tenth of a second. */
export const authorizationDefinition = async (): Promise<ServiceDefinition> => {
  const includeDirs = folders.map((folder) => join(protos(), folder))
  return serviceIn(await load('envoy/service/auth/v3/external_auth.proto', { includeDirs }), authorizationService)
}

/** What the protocol of health checks calls the states of a service. */
export const servingStatus = { serving: 1, notServing: 2 } as const

/**
 * The one method of the health checking protocol that load balancers call (GRPC Health Checking Protocol). Whoever
 * calls its other one, `Watch`, is told that it is not there and may go on without, as the protocol provides.
 */
export const healthDefinition = (): ServiceDefinition =>
  serviceIn(
    fromJSON({
      nested: {
        'grpc.health.v1': {
          nested: {
            HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
            HealthCheckResponse: { fields: { status: { type: 'int32', id: 1 } } },
            Health: {
              methods: {
                Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse', comment: '' },
              },
            },
          },
        },
      },
    }),
    'grpc.health.v1.Health',
  )

const serviceIn = (definitions: PackageDefinition, name: string): ServiceDefinition => {
  const definition = definitions[name]
  if (definition === undefined || 'format' in definition) throw new Error(`no service ${name} in its definition`)
  return definition
}
