// A Lambda authorizer of Amazon API Gateway that asks dragoman about every request. For REST APIs (type REQUEST) and for
// HTTP APIs (payload 2.0 with simple responses), on Node 20 or newer.

const url = `${process.env.DRAGOMAN_URL ?? '{{scheme}}://{{dragoman}}'}/authz/{{name}}`

export const handler = async (event) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-gateway-secret': process.env.DRAGOMAN_GATEWAY_SECRET ?? '' },
    body: JSON.stringify(event),
    redirect: 'error',
    // Nobody waits longer than this.
    signal: AbortSignal.timeout(2000),
  })
  // API Gateway answers 401 to this word, and 500 to any other: nothing passes.
  if (response.status === 401) throw new Error('Unauthorized')
  if (response.status !== 200 && response.status !== 403) throw new Error('dragoman does not decide')
  return response.json()
}
