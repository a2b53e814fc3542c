// A Cloudflare Worker in front of a service. It asks dragoman about every request before it passes it on, and passes it on
// with the token that dragoman answers with in place of what the client sent. Its route is {{host}}/*; the variables
// DRAGOMAN_URL and SERVICE_URL and the secret DRAGOMAN_GATEWAY_SECRET are set with wrangler.

// The service gets these from dragoman.
const fromDragoman = [
  'authorization',
  'x-dragoman-subject',
  'x-dragoman-client',
  'x-dragoman-rule',
  'x-dragoman-tenant',
  'x-dragoman-txn',
]

// What dragoman hears of the request. Where credentialFrom names other headers, add them.
const forDragoman = ['authorization', 'cf-access-jwt-assertion', 'origin', 'access-control-request-method']

// Whatever a client writes in these is made up, or not for the service: identities, sessions, certificates as gateways
// state them, and the request that some frameworks act on in place of the one that dragoman has judged. To many services
// X_Dragoman_Subject and X.Dragoman.Subject are X-Dragoman-Subject, so names with such characters go altogether.
const notForTheService =
  /[^a-z0-9-]|dragoman|client-?cert|ssl-client|^(cookie|txn-token|cf-access-jwt-assertion|proxy-authorization|x-gateway-secret|x-(original|rewrite|forwarded)-.*|x-http-method.*|x-method-override|forwarded)$/

const question = (request, url, env) => {
  const headers = new Headers({
    // That it is this Worker who asks.
    'x-gateway-secret': env.DRAGOMAN_GATEWAY_SECRET,
    // What was asked for, in the Worker's own words.
    'x-forwarded-method': request.method,
    'x-forwarded-proto': url.protocol.slice(0, -1),
    'x-forwarded-host': url.host,
    'x-forwarded-uri': url.pathname + url.search,
  })
  for (const name of forDragoman) {
    const value = request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
{{#certificates}}
  // The certificate that Cloudflare has verified (RFC 9440). What a client writes under that name is not looked at.
  const { certVerified, certRevoked, certRFC9440 } = request.cf?.tlsClientAuth ?? {}
  if (certVerified === 'SUCCESS' && certRevoked === '0' && certRFC9440) headers.set('client-cert', certRFC9440)
{{/certificates}}
  return headers
}

const refusal = (status) => new Response(null, { status, headers: { 'cache-control': 'no-store' } })

export default {
  async fetch(request, env) {
    const url = new URL(request.url)
    let answer
    try {
      answer = await fetch(`${env.DRAGOMAN_URL}/authz/{{name}}`, {
        headers: question(request, url, env),
        redirect: 'manual',
        // Nobody waits longer than this.
        signal: AbortSignal.timeout(2000),
      })
    } catch {
      return refusal(503)
    }
    if (answer.status !== 200) {
      const isVerdict = answer.status === 401 || answer.status === 403 || answer.status === 429
      return isVerdict ? new Response(answer.body, { status: answer.status, headers: answer.headers }) : refusal(503)
    }
    await answer.body?.cancel()
    const headers = new Headers(request.headers)
    for (const name of [...headers.keys()]) if (notForTheService.test(name)) headers.delete(name)
    for (const name of fromDragoman) {
      const value = answer.headers.get(name)
      if (value === null || value === '') return refusal(503)
      headers.set(name, value)
    }
    const target = new URL(env.SERVICE_URL)
    target.pathname = url.pathname
    target.search = url.search
    return fetch(target, { method: request.method, headers, body: request.body, redirect: 'manual', duplex: 'half' })
  },
}
