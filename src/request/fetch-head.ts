import { varyWithCookie } from '../http/vary.ts'
import { setFields } from './fields.ts'
import type { Fields } from './fields.ts'
import type { ResponseHead } from './request-session.ts'

/** The head of a response that is yet to be made: it keeps what is written until the response is there. */
export interface FetchHead extends ResponseHead {
  /** Whether anything has been written. */
  readonly written: () => boolean
  /** Puts what was written on `headers`. `vary` is what the response's `Vary` is before. */
  readonly putOn: (headers: Headers, vary?: string | null) => void
  /** From now on the headers are gone. */
  readonly close: () => void
}

/** Makes the head of one response. */
export function createFetchHead(): FetchHead {
  const written: Fields = new Map()
  let sent = false

  function putOn(headers: Headers, vary = headers.get('vary')): void {
    for (const [name, values] of written) {
      if (name === 'Set-Cookie') {
        for (const value of values) headers.append(name, value)
      } else if (name === 'Vary') {
        headers.set(name, varyWithCookie(vary ?? undefined) ?? vary ?? '')
      } else {
        headers.set(name, values.join(', '))
      }
    }
  }

  return {
    sent: () => sent,
    write: (fields) => setFields(written, fields),
    written: () => written.size > 0,
    putOn,
    close: () => {
      sent = true
    },
  }
}

/** The response with what was written to its head: a copy, for it may be handed out many times. */
export function withHead(response: Response, head: FetchHead): Response {
  if (!head.written() || response.type === 'error') return response
  // A protocol switch cannot be copied, and is never handed out twice.
  const copy = response.status < 200 ? response : new Response(response.body, response)
  head.putOn(copy.headers)
  return copy
}
