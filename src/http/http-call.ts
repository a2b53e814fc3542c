import type { HttpCall } from '../gateways/dialect.ts'
import { readBody } from './body.ts'

/** A call on the web platform, whose requests have URLs that were parsed. */
export const httpCallOf = (request: Request, caller: HttpCall['caller']): HttpCall => ({
  method: request.method,
  get target() {
    const { pathname, search } = new URL(request.url)
    return pathname + search
  },
  isVerbatim: false,
  header: (name) => request.headers.get(name) ?? undefined,
  body: () => readBody(request),
  caller,
})
