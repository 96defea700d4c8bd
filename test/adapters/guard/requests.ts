import type { GuardedRequest } from '../../../src/adapters/guard.ts'

export const HOST = 'app.example'
export const OWN = `https://${HOST}`

/** What a request says, by the names of its headers. `method` is POST, and `host` the application's, unless told otherwise. */
export interface Said {
  readonly method?: string
  readonly url?: string
  readonly [header: string]: string | undefined
}

/** A request of `node:http`. */
export function nodeRequest({ method = 'POST', url = '/', ...headers }: Said): GuardedRequest {
  return { method, url, headers: { host: HOST, ...headers } }
}

/** A `Request`, as servers make it. */
export function fetchRequest({ method = 'POST', url = '/', ...headers }: Said): GuardedRequest {
  const said = new Headers()
  for (const [name, value] of Object.entries({ host: HOST, ...headers })) {
    if (value !== undefined) said.set(name, value)
  }
  return { method, url: `http://internal.test${url}`, headers: said }
}

export const FORMS: readonly (readonly [name: string, make: (said: Said) => GuardedRequest])[] = [
  ['node', nodeRequest],
  ['fetch', fetchRequest],
]
