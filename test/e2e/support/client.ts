import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'

/** A client of the demo with a jar for the one cookie there is. */
export interface Client {
  readonly send: (path: string, init?: RequestInit) => Promise<Response>
  /** Sends a form as one of the site's own pages would. */
  readonly post: (
    path: string,
    fields?: Record<string, string>,
    headers?: Record<string, string>,
  ) => Promise<Response>
  readonly text: (path: string) => Promise<string>
  /** `name=key`, or nothing. */
  readonly cookie: () => string
}

/** Makes a client, whose redirects are not followed. */
export function createClient(origin: string): Client {
  let cookie = ''

  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (cookie !== '' && !headers.has('cookie')) headers.set('cookie', cookie)
    const response = await fetch(`${origin}${path}`, { redirect: 'manual', ...init, headers })
    for (const line of response.headers.getSetCookie()) {
      cookie = line.includes('Max-Age=0') ? '' : (line.split(';')[0] ?? '')
    }
    return response
  }

  return {
    send,
    post: (path, fields = {}, headers = {}) => {
      const body = new URLSearchParams(fields)
      return send(path, { method: 'POST', body, headers: { origin, ...headers } })
    },
    text: async (path) => (await send(path)).text(),
    cookie: () => cookie,
  }
}

/** A form of which the server has the head, and nothing else yet. */
export interface HeldPost {
  /** Sends the rest and resolves to status and headers of the answer. */
  readonly finish: (fields: Record<string, string>) => Promise<IncomingMessage>
}

/**
 * Sends the head of a form, and resolves when the server has begun with it: it says so with `100 Continue`, and
 * by then it has looked up the session. So a test can put something between load and write, without waiting.
 */
export async function holdPost(origin: string, path: string, cookie: string): Promise<HeldPost> {
  const headers = {
    origin,
    cookie,
    expect: '100-continue',
    'content-type': 'application/x-www-form-urlencoded',
  }
  const held = request(`${origin}${path}`, { method: 'POST', headers })
  const answered = once(held, 'response')
  // Looked at by `finish`, and not before: the server may hang up earlier.
  answered.catch(() => {})
  held.on('error', () => {})
  held.flushHeaders()
  await once(held, 'continue')
  return {
    finish: async (fields) => {
      held.end(new URLSearchParams(fields).toString())
      const [response] = (await answered) as [IncomingMessage]
      response.resume()
      return response
    },
  }
}
