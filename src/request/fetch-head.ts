import { varyWithCookie } from '../http/vary.ts'
import { mergeFields } from './fields.ts'
import type { Fields } from './fields.ts'
import type { ResponseHead } from './request-session.ts'

/** The head of a response that is yet to be made: it keeps what is written until the response is there. */
export class FetchHead implements ResponseHead {
  #written: Fields = []
  #sent = false

  sent(): boolean {
    return this.#sent
  }

  write(fields: Fields): void {
    this.#written = mergeFields(this.#written, fields)
  }

  /** What was written, if anything. */
  written(): Fields {
    return this.#written
  }

  /** Puts what was written on `headers`. `vary` is what the response's `Vary` is before. */
  putOn(headers: Headers, vary: string | null = headers.get('vary')): void {
    for (const [name, value] of this.#written) {
      if (name === 'Set-Cookie') headers.append(name, value)
      else headers.set(name, name === 'Vary' ? (varyWithCookie(vary) ?? vary!) : value)
    }
  }

  /** From now on the headers are gone. */
  close(): void {
    this.#sent = true
  }
}

/** The response with what was written to its head: a copy, for it may be handed out many times. */
export function withHead(response: Response, head: FetchHead): Response {
  if (head.written().length === 0 || response.type === 'error') return response
  // A protocol switch cannot be copied, and is never handed out twice.
  const copy = response.status < 200 ? response : new Response(response.body, response)
  head.putOn(copy.headers)
  return copy
}
