import { Agent, request } from 'node:http'
import { patience } from './child-process.ts'
import { caller, orders } from './documents.ts'

/** What became of one request of a caller that keeps its connections. */
export type Outcome = 'answered' | 'not taken' | 'lost'

/** Sends token requests one after another over kept connections, as a gateway does. */
export interface KeepAliveCaller {
  /**
   * `not taken`: a new connection was refused or reset before anything was answered on it, so the caller may try
   * elsewhere. `lost`: a connection that had served before broke under the request.
   */
  readonly exchange: (url: string, subjectToken: string, type: string) => Promise<Outcome>
  readonly close: () => void
}

const formOf = (subjectToken: string, type: string) =>
  new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: orders,
    subject_token: subjectToken,
    subject_token_type: type,
  }).toString()

/** A caller with one connection. The connection is closed by `close`. */
export const keepAliveCaller = (): KeepAliveCaller => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const auth = `${caller.id}:${caller.secret}`
  const exchange = (url: string, subjectToken: string, type: string) =>
    new Promise<Outcome>((resolve) => {
      const sent = request(`${url}/token`, { method: 'POST', agent, headers, auth, timeout: patience })
      let begun = false
      const failed = () => resolve(sent.reusedSocket || begun ? 'lost' : 'not taken')
      sent.on('response', (response) => {
        begun = true
        response.resume()
        response.once('error', failed)
        response.once('end', () => resolve(response.statusCode === 200 ? 'answered' : 'lost'))
      })
      sent.once('error', failed)
      sent.once('timeout', () => sent.destroy())
      sent.end(formOf(subjectToken, type))
    })
  return { exchange, close: () => agent.destroy() }
}
