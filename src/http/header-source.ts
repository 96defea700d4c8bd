/**
 * Where a request's `Cookie` header is read from: a `Headers` object (anything with `get`), the
 * `headers` of a `node:http` request, the header's text itself, or nothing.
 */
export type HeaderSource =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | string
  | null
  | undefined

/**
 * The text of the `Cookie` header, or `undefined` when there is none. Several headers, as HTTP/2 may
 * send them (RFC 9113 §8.2.3), count as one joined with `; `.
 *
 * @throws TypeError when `headers` is none of the accepted forms.
 */
export function cookieHeaderOf(headers: HeaderSource): string | undefined {
  return typeof headers === 'string' ? headers : headerOf(headers, 'cookie', '; ')
}

/**
 * The text of a request's header, or `undefined` when there is none. Several are joined by `separator`.
 *
 * @throws TypeError when `headers` is none of the accepted forms.
 */
export function headerOf(
  headers: Exclude<HeaderSource, string>,
  name: string,
  separator = ', ',
): string | undefined {
  if (headers === undefined || headers === null) return undefined
  if (typeof headers !== 'object' || Array.isArray(headers)) {
    throw new TypeError('"headers" must be Headers, the headers of a request, or a Cookie header')
  }
  if (hasGet(headers)) return headers.get(name) ?? undefined
  // An own property only: a polluted Object.prototype must not hand everyone one session.
  if (!Object.hasOwn(headers, name)) return undefined
  const text = headers[name]
  if (typeof text === 'string') return text
  return Array.isArray(text) ? text.join(separator) : undefined
}

function hasGet(headers: object): headers is { get(name: string): string | null } {
  return 'get' in headers && typeof headers.get === 'function'
}
