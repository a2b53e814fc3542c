/** Asks for a page as a browser does that keeps its cookies; redirects are the caller's to follow. */
export type Browser = (url: URL, form?: Readonly<Record<string, string>>) => Promise<Response>

/** A browser without cookies yet. A request with a form is a POST of it. */
export const newBrowser = (): Browser => {
  const cookies = new Map<string, string>()
  return async (url, form) => {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      signal: AbortSignal.timeout(20_000),
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const equals = pair.indexOf('=')
      cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
    return response
  }
}

export interface Page {
  readonly url: URL
  readonly text: string
}

/** The page that a browser arrives at, by however many redirects. */
export const pageAt = async (browse: Browser, start: URL, form?: Readonly<Record<string, string>>): Promise<Page> => {
  let url = start
  let response = await browse(url, form)
  for (let hops = 0; hops < 10; hops += 1) {
    const location = response.headers.get('location')
    if (location === null) return { url, text: await response.text() }
    url = new URL(location, url)
    response = await browse(url)
  }
  throw new Error('too many redirects')
}

/** What the group of `pattern` finds in a page of HTML, its character references read. */
export const valueIn = (page: string, pattern: RegExp): string => {
  const found = pattern.exec(page)?.[1]
  if (found === undefined) throw new Error(`no ${pattern} in the page:\n${page}`)
  return found
    .replaceAll(/&#x([\da-f]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
}
