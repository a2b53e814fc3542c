import {
  always,
  answered,
  copiedOrRemoved,
  type Fix,
  type Fixes,
  perName,
  preflightsOnly,
  type Remedy,
} from './doctor-fix.ts'
import { apisix, ingressNginx, nginx } from './doctor-fixes-nginx.ts'
import { caddy, envoy, haproxy, traefik } from './doctor-fixes-proxies.ts'

/** What to change at each kind of gateway, as configuration wherever there is some to copy. */

const named =
  (words: string): Fix =>
  (names) =>
    `${words}: ${perName((name) => name, ', ')(names)}`

/** In words, for a gateway of whatever kind. */
const inWords: Fixes = {
  identity: (names) =>
    named('on every request put what dragoman answers in the place of these headers, and nothing where it does not')(
      names.length === 0 ? answered : names,
    ),
  answer: always("keep what dragoman answers out of the gateway's answer to the client"),
  closed: always('ask dragoman about every request, and let none through that it has not allowed, nor when it is away'),
  sizes: always('refuse requests with very long headers at the gateway, before dragoman has to'),
  names: always('take off, or refuse, headers with other characters in their names than letters, digits and hyphens'),
  lines: always('refuse malformed lines; is the gateway up to date?'),
  connection: always("take the client's Connection off before anything is added to the request"),
  certificates: named('take these headers off every request before anything else is done'),
  credential: named('take these headers off what goes to the service'),
  original: always('tell dragoman the method, scheme, host and path as the gateway has them, whatever the client sent'),
  paths: always('tell dragoman and the service the same path, as the client wrote it, or refuse such paths'),
  options: always(`let nothing in past dragoman; ${preflightsOnly}`),
}

const dropInAws: Fix = (names) =>
  `in the parameter mapping of the integration:\n${perName((name) => `remove:header.${name.toLowerCase()}: ''`)(names)}`

const takenByAws = copiedOrRemoved(
  'in the parameter mapping of the integration, for each header that dragoman answers with:\noverwrite:header.NAME: $context.authorizer.KEY',
  dropInAws,
)

const awsLambda: Fixes = {
  identity: takenByAws,
  answer: always('take $context.authorizer.* out of the mapping of responses'),
  closed: always('the authorizer at every route, $default too; REST APIs: at every method of every resource'),
  sizes: always('API Gateway refuses long headers itself; a 5xx comes from the function: see its log'),
  names: dropInAws,
  lines: always('is there another gateway before or behind API Gateway?'),
  connection: always('is there another gateway before or behind API Gateway?'),
  certificates: dropInAws,
  credential: takenByAws,
  original: always('the function reads requestContext, no X-Forwarded-* or X-Original-* of the client'),
  paths: always('no overwrite:path in the parameter mapping of the integration'),
  options: always(`no route for OPTIONS or $default without the authorizer; ${preflightsOnly}`),
}

const fixes = {
  nginx,
  'ingress-nginx': ingressNginx,
  envoy,
  haproxy,
  caddy,
  traefik,
  apisix,
  'aws-lambda': awsLambda,
} as const satisfies Readonly<Record<string, Fixes>>

export type GatewayKind = keyof typeof fixes

export const gatewayKinds = Object.keys(fixes) as readonly GatewayKind[]

/** What to change at a gateway of this kind, where these headers (or tricks) came through; in words for any kind. */
export const fixFor = (kind: GatewayKind | undefined, remedy: Remedy, items: readonly string[]): string =>
  (kind === undefined ? inWords : fixes[kind])[remedy](items)
