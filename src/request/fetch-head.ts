import { varyWithCookie } from '../http/vary.ts'
import type { HeaderField } from '../manager/session-manager.ts'
import { setFields } from './fields.ts'
import type { Fields } from './fields.ts'
import type { ResponseHead } from './request-session.ts'

/** The head of a response that is yet to be made: it keeps what is written until the response is there. */
export class FetchHead implements ResponseHead {
  #written: Fields | undefined
  #sent = false

  sent(): boolean {
    return this.#sent
  }

  write(fields: readonly HeaderField[]): void {
    this.#written ??= new Map()
    setFields(this.#written, fields)
  }

  /** Whether anything has been written. */
  written(): boolean {
    return this.#written !== undefined
  }

  /** Whether `headers` have all that was written: of a session that was only read, `Vary`. */
  isOn(headers: Headers): boolean {
    if (this.#written?.has('Set-Cookie') === true) return false
    return varyWithCookie(headers.get('vary') ?? undefined) === undefined
  }

  /** Puts what was written on `headers`. `vary` is what the response's `Vary` is before. */
  putOn(headers: Headers, vary: string | null = headers.get('vary')): void {
    for (const [name, values] of this.#written ?? []) {
      if (name === 'Set-Cookie') {
        for (const value of values) headers.append(name, value)
      } else if (name === 'Vary') {
        headers.set(name, varyWithCookie(vary ?? undefined) ?? vary ?? '')
      } else {
        headers.set(name, values.join(', '))
      }
    }
  }

  /** From now on the headers are gone. */
  close(): void {
    this.#sent = true
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
