import type { CookieOptions } from './cookie.ts'

/** What of a request tells whether its connection is secure. */
export interface SecureRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>> & {
    readonly cookie?: string | undefined
  }
  readonly socket?: { readonly encrypted?: unknown }
  /** Express's own answer, which goes by `trust proxy`. */
  readonly secure?: boolean
}

/** Whether the client's connection is secure; `proxy` says whether to believe `X-Forwarded-Proto`. */
export function isSecure(request: SecureRequest, proxy: boolean | undefined): boolean {
  if (request.socket?.encrypted) return true
  if (proxy === false) return false
  if (proxy !== true) return request.secure === true
  const [said = ''] = String(request.headers['x-forwarded-proto'] ?? '').split(',')
  return said.trim().toLowerCase() === 'https'
}

/** Cookie options for a connection, where they leave it to that. */
export function resolveAuto(options: CookieOptions, secure: boolean): CookieOptions {
  const resolved = { ...options }
  if (options.secure === 'auto') resolved.secure = secure
  if (options.sameSite === 'auto') resolved.sameSite = secure ? 'none' : 'lax'
  return resolved
}

/** Whether a cookie with this path is sent with a request for `url` (RFC 6265bis §5.1.4). */
export function isOnPath(url: string, path: string): boolean {
  const pathname = url.startsWith('/') ? url.replace(/[?#].*$/s, '') : pathOf(url)
  if (!pathname.startsWith(path)) return false
  return pathname.length === path.length || path.endsWith('/') || pathname[path.length] === '/'
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : '/'
}
