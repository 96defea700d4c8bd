/**
 * The part of a request that a guard reads: an `IncomingMessage`, an `Http2ServerRequest`, or a `Request`. Of headers,
 * it reads what browsers write and no page can (`Sec-Fetch-*`, `Origin`, `Referer`, `Host`), and never `X-Forwarded-*`,
 * which any client can write.
 */
export interface GuardedRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | readonly string[] | undefined>>
}

/** The text of a header, or `undefined`. Several of one name are joined, and then say nothing that is known. */
export function headerOf({ headers }: GuardedRequest, name: string): string | undefined {
  if (hasGet(headers)) return headers.get(name) ?? undefined
  // An own property only: a polluted Object.prototype must not vouch for a request.
  if (!Object.hasOwn(headers, name)) return undefined
  const value = headers[name]
  return typeof value === 'object' ? value.join(', ') : value
}

/** The host that the client asked, as it names it: `Host`, or HTTP/2's `:authority`, or that of the URL. */
export function hostOf(request: GuardedRequest): string | undefined {
  const host = headerOf(request, 'host')
  if (host !== undefined) return host
  if (!hasGet(request.headers)) return headerOf(request, ':authority')
  return urlOf(request.url)?.host
}

/**
 * The path that the client asked for, letter by letter. Frameworks cut `url` down for the routers below them, and
 * leave the whole in `originalUrl`. An absolute URL on the request line of HTTP has no path here, and is never exempt.
 */
export function pathOf(request: GuardedRequest): string | undefined {
  if (hasGet(request.headers)) return urlOf(request.url)?.pathname
  const { originalUrl } = request as { readonly originalUrl?: unknown }
  const target = typeof originalUrl === 'string' ? originalUrl : request.url
  return target?.startsWith('/') === true ? target.split('?', 1)[0] : undefined
}

/** The URL in `text`, or `undefined`. */
export function urlOf(text: string | undefined): URL | undefined {
  return text !== undefined && URL.canParse(text) ? new URL(text) : undefined
}

function hasGet(headers: object): headers is { get(name: string): string | null } {
  return 'get' in headers && typeof headers.get === 'function'
}
