import {
  always,
  answered,
  copiedOrRemoved,
  type Fix,
  type Fixes,
  isAnswered,
  perName,
  preflightsOnly,
} from './doctor-fix.ts'

/** nginx, and what is built on it. */

const clear: Fix = perName((name) => `proxy_set_header ${name} "";`)

const set: Fix = perName((name) => {
  if (!isAnswered(name)) return `proxy_set_header ${name} "";`
  const from = `$upstream_http_${name.toLowerCase().replaceAll('-', '_')}`
  const variable = `$dragoman_${name.toLowerCase().replace('x-dragoman-', '')}`
  return `auth_request_set ${variable} ${from};\nproxy_set_header ${name} ${variable};`
})

/** Where nothing was found, nothing of what dragoman answers has arrived. */
const setForTheService: Fix = (names) =>
  `in the location that leads to the service:\n${set(names.length === 0 ? answered : names)}`

export const nginx: Fixes = {
  identity: setForTheService,
  answer: always('take out the add_header lines that show what auth_request_set has taken from dragoman'),
  closed: always(
    'auth_request in every location that leads to the service; no `satisfy any`, and no error_page for 401, 403 or 500 that leads there',
  ),
  sizes: always(
    'large_client_header_buffers 4 14k; or less: what is longer nginx answers with 400 itself; of the 431 that dragoman answers to too much auth_request makes 500',
  ),
  names: always('underscores_in_headers off; ignore_invalid_headers on; in the http block (both are the default)'),
  lines: always('ignore_invalid_headers on; (the default), and a current nginx'),
  connection: always('in the location that leads to the service:\nproxy_set_header Connection "";'),
  certificates: (names) =>
    `in the location that leads to the service, and in that of auth_request but for what certificateFrom names:\n${clear(names)}`,
  credential: setForTheService,
  original: always(
    'in the location of auth_request:\nproxy_set_header X-Forwarded-Method $request_method;\nproxy_set_header X-Forwarded-Proto $scheme;\nproxy_set_header X-Forwarded-Host $host;\nproxy_set_header X-Forwarded-Uri $request_uri;',
  ),
  paths: always(
    'proxy_set_header X-Forwarded-Uri $request_uri; in the location of auth_request, and a proxy_pass without a path in that of the service: both then read what the client wrote',
  ),
  options: always(`no \`if ($request_method = OPTIONS)\` and no limit_except around auth_request; ${preflightsOnly}`),
}

const clearAtTheIngress: Fix = (names) =>
  `in the ConfigMap that proxy-set-headers names:\n${perName((name) => `${name}: ""`)(names)}`

const takenAtTheIngress = copiedOrRemoved(
  `at the Ingress:\nnginx.ingress.kubernetes.io/auth-response-headers: ${answered.join(',')}`,
  clearAtTheIngress,
)

export const ingressNginx: Fixes = {
  identity: takenAtTheIngress,
  answer: always('take out add-headers, custom-headers and snippets that show what dragoman answered'),
  closed: always(
    'nginx.ingress.kubernetes.io/auth-url at every Ingress of the host; no `satisfy: any`, no `enable-global-auth: "false"`',
  ),
  sizes: always('large-client-header-buffers: "4 14k" or less in the ConfigMap'),
  names: always(
    'enable-underscores-in-headers: "false" and ignore-invalid-headers: "true" in the ConfigMap (both are the default)',
  ),
  lines: always('ignore-invalid-headers: "true" in the ConfigMap (the default), and a current controller'),
  connection: always('take out snippets that set Connection to $http_connection'),
  certificates: clearAtTheIngress,
  credential: takenAtTheIngress,
  original: always('take out auth-proxy-set-headers and auth-snippet lines that set X-Original-* or X-Forwarded-*'),
  paths: always('no rewrite-target at this Ingress: dragoman and the service are both to read what the client wrote'),
  options: always(`no snippet and no enable-cors that answers or passes OPTIONS; ${preflightsOnly}`),
}

const removeBefore: Fix = (names) =>
  `in proxy-rewrite, which runs before forward-auth:\nheaders: { remove: [${perName((name) => name, ', ')(names)}] }`

const taken = copiedOrRemoved(`in forward-auth:\nupstream_headers: [${answered.join(', ')}]`, removeBefore)

export const apisix: Fixes = {
  identity: taken,
  answer: always('take out response-rewrite lines that show what dragoman answered'),
  closed: always('forward-auth: allow_degradation: false, at every route that leads to the service'),
  sizes: always('forward-auth: status_on_error: 403 (the default)'),
  names: always('in config.yaml (the default is "on"):\nnginx_config: { http: { underscores_in_headers: "off" } }'),
  lines: always('a current APISIX, without ignore_invalid_headers off in a configuration snippet'),
  connection: always('take out configuration snippets that set Connection to $http_connection'),
  certificates: removeBefore,
  credential: taken,
  original: always('forward-auth: no X-Forwarded-* or X-Original-* in request_headers: it sets its own'),
  paths: always('no uri or regex_uri of proxy-rewrite at the route: dragoman and the service are to read the same'),
  options: always(
    `no route with methods: [OPTIONS] without forward-auth, no cors plugin that passes more; ${preflightsOnly}`,
  ),
}
