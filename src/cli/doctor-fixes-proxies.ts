import { always, answered, copiedOrRemoved, type Fix, type Fixes, perName, preflightsOnly } from './doctor-fix.ts'

/** Envoy, HAProxy, Caddy and Traefik. */

const current = (name: string): Fix =>
  always(`a current ${name} refuses these lines; is there another gateway before or behind it?`)

const doesNot = (name: string): Fix =>
  always(`a current ${name} does not do that; is there another gateway before or behind it?`)

const list = (line: (name: string) => string): Fix => perName(line, ', ')

const beforeExtAuthz = 'in a header_mutation filter before ext_authz:'

const dropInEnvoy: Fix = (names) => `${beforeExtAuthz}\n${perName((name) => `- remove: ${name.toLowerCase()}`)(names)}`

/** One of the headers is Envoy's own: it takes off what clients write in it, and then writes it itself. */
const dropCertificatesInEnvoy: Fix = (names) => {
  const others = names.filter((name) => name.toLowerCase() !== 'x-forwarded-client-cert')
  const own = 'in http_connection_manager (SANITIZE without mutual TLS):\nforward_client_cert_details: SANITIZE_SET'
  return [...(others.length < names.length ? [own] : []), ...(others.length > 0 ? [dropInEnvoy(others)] : [])].join(
    '\n',
  )
}

export const envoy: Fixes = {
  identity: copiedOrRemoved(
    'in ext_authz:\nauthorization_response: { allowed_upstream_headers: { patterns: [{ exact: authorization }, { prefix: x-dragoman- }] } }',
    dropInEnvoy,
  ),
  answer: always('ext_authz: no allowed_client_headers_on_success, no response_headers_to_add with request headers'),
  closed: always('ext_authz: failure_mode_allow: false; no `disabled: true` in typed_per_filter_config of the route'),
  sizes: always('ext_authz: no status_on_error: Envoy answers 403 then; is dragoman there?'),
  names: always(
    `${beforeExtAuthz}\n- remove_on_match: { key_matcher: { safe_regex: { regex: ".*[^a-z0-9:-].*" } } }\nor, for underscores alone, in http_connection_manager:\ncommon_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }`,
  ),
  lines: current('Envoy'),
  connection: doesNot('Envoy'),
  certificates: dropCertificatesInEnvoy,
  credential: (names) =>
    `in the Gateway document, which Envoy obeys:\nrespond: { removeHeaders: [${list((name) => name.toLowerCase())(names)}] }`,
  original: always(
    'ext_authz: no x-forwarded-* or x-original-* in allowed_headers: path_prefix gives the real request',
  ),
  paths: always(
    'in http_connection_manager, and no rewrite behind ext_authz:\nnormalize_path: true\nmerge_slashes: true\npath_with_escaped_slashes_action: REJECT_REQUEST',
  ),
  options: always(`no cors filter before ext_authz, and no route for OPTIONS that disables it; ${preflightsOnly}`),
}

const beforeAuthIntercept = 'before lua.auth-intercept:'

const dropInHaproxy: Fix = (names) =>
  `${beforeAuthIntercept}\n${perName((name) => `http-request del-header ${name.toLowerCase()}`)(names)}`

const takenByHaproxy = copiedOrRemoved(
  'authorization,x-dragoman-* as the fifth word of lua.auth-intercept, and before it:\nhttp-request del-header x-dragoman- -m beg',
  dropInHaproxy,
)

export const haproxy: Fixes = {
  identity: takenByHaproxy,
  answer: always('take out the http-response lines that show req.auth_response_header.*'),
  closed: always(
    'after lua.auth-intercept, and no condition on either:\nhttp-request deny deny_status 403 unless { var(txn.auth_response_successful) -m bool }',
  ),
  sizes: always('tune.bufsize 65536 or less: what is longer HAProxy answers with 400 itself'),
  names: always(`${beforeAuthIntercept}\nhttp-request del-header [^a-z0-9-] -m reg`),
  lines: always('no `option accept-invalid-http-request`, no accept-unsafe-violations-in-http-request'),
  connection: doesNot('HAProxy'),
  certificates: dropInHaproxy,
  credential: takenByHaproxy,
  original: always(
    `${beforeAuthIntercept}\nhttp-request set-header X-Forwarded-Method %[method]\nhttp-request set-header X-Forwarded-Proto https\nhttp-request set-header X-Forwarded-Host %[req.hdr(host)]\nhttp-request set-header X-Forwarded-Uri %[pathq]`,
  ),
  paths: always('X-Forwarded-Uri is %[pathq], and no normalize-uri, set-path or replace-path after lua.auth-intercept'),
  options: always(`no METH_OPTIONS in a condition of lua.auth-intercept or of the deny after it; ${preflightsOnly}`),
}

const beforeForwardAuth = 'before forward_auth, all in one route:'

const dropInCaddy: Fix = (names) => `${beforeForwardAuth}\n${perName((name) => `request_header -${name}`)(names)}`

const takenByCaddy = copiedOrRemoved(
  `in forward_auth:\ncopy_headers ${answered.join(' ')}\n${beforeForwardAuth}\nrequest_header -*dragoman*`,
  dropInCaddy,
)

export const caddy: Fixes = {
  identity: takenByCaddy,
  answer: always('take out the `header` lines that show what copy_headers has taken'),
  closed: always('forward_auth without a matcher in a `route` before reverse_proxy; no handle_errors that leads on'),
  sizes: always('in the global options, no more than dragoman takes:\nservers { max_header_size 16KB }'),
  names: always(`${beforeForwardAuth}\nrequest_header -*_*\nrequest_header -*.*\nrequest_header -*dragoman*`),
  lines: current('Caddy'),
  connection: always(`${beforeForwardAuth}\nrequest_header -Connection`),
  certificates: dropInCaddy,
  credential: takenByCaddy,
  original: always('no trusted_proxies that clients are among: forward_auth then sets X-Forwarded-* itself'),
  paths: always('no uri, rewrite or handle_path between forward_auth and reverse_proxy'),
  options: always(`no \`method OPTIONS\` in a matcher around forward_auth; ${preflightsOnly}`),
}

const middleware = 'in a headers middleware before forwardAuth:'

const dropInTraefik: Fix = (names) => `${middleware}\ncustomRequestHeaders: { ${list((name) => `${name}: ""`)(names)} }`

const takenByTraefik = copiedOrRemoved(`in forwardAuth:\nauthResponseHeaders: [${answered.join(', ')}]`, dropInTraefik)

export const traefik: Fixes = {
  identity: takenByTraefik,
  answer: always('take out customResponseHeaders and addAuthCookiesToResponse that show what dragoman answered'),
  closed: always('forwardAuth in the middlewares of every router that leads to the service, whatever its priority'),
  sizes: always('at the entry point, no more than dragoman takes:\nhttp: { maxHeaderBytes: 16384 }'),
  names: always(
    'at the entry point (before 3.7.12 underscoreHeadersStrategy):\nhttp: { aliasHeadersStrategy: delete }',
  ),
  lines: current('Traefik'),
  connection: always(`${middleware}\ncustomRequestHeaders: { Connection: "" }`),
  certificates: dropInTraefik,
  credential: takenByTraefik,
  original: always(
    'forwardAuth: trustForwardHeader: false; at the entry point no forwardedHeaders that believe clients',
  ),
  paths: always(
    'at the entry point, and no stripPrefix or replacePath after forwardAuth:\nhttp: { sanitizePath: true, encodedCharacters: { allowEncodedSlash: false, allowEncodedBackSlash: false, allowEncodedPercent: false, allowEncodedNullCharacter: false } }',
  ),
  options: always(
    `no router with Method(\`OPTIONS\`) without forwardAuth, no accessControl* before it; ${preflightsOnly}`,
  ),
}
