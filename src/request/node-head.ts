import { varyWithCookie } from '../http/vary.ts'
import type { HeaderField } from '../manager/session-manager.ts'
import type { ResponseHead } from './request-session.ts'

/** The part of `ServerResponse` and `Http2ServerResponse` that session headers are written to. */
export interface NodeResponse {
  readonly headersSent: boolean
  getHeader(name: string): number | string | readonly string[] | undefined
  setHeader(name: string, value: string | readonly string[]): unknown
}

const NONE: readonly string[] = []

/** The head of a response whose headers stay open to change until they are sent. */
export class NodeHead implements ResponseHead {
  readonly #response: NodeResponse
  #lines = NONE

  constructor(response: NodeResponse) {
    this.#response = response
  }

  sent(): boolean {
    return this.#response.headersSent
  }

  write(fields: readonly HeaderField[]): void {
    let lines: string[] | undefined
    for (const [name, value] of fields) {
      if (name === 'Set-Cookie') (lines ??= []).push(value)
      else if (name === 'Vary') this.#vary()
      else this.#response.setHeader(name, value)
    }
    if (lines !== undefined) this.#setCookies(lines)
  }

  #vary(): void {
    const present = this.#response.getHeader('vary')
    const vary = varyWithCookie(typeof present === 'string' ? present : listOf(present).join(', '))
    if (vary !== undefined) this.#response.setHeader('Vary', vary)
  }

  /** Sets the cookies of the session in place of those that it has set before, beside those of others. */
  #setCookies(lines: readonly string[]): void {
    const before = this.#lines
    const present = listOf(this.#response.getHeader('set-cookie'))
    this.#lines = lines
    const others = present.filter((line) => !before.includes(line))
    // A list of its own: Node keeps it, and what appends to the header may append to that.
    this.#response.setHeader('Set-Cookie', [...others, ...lines])
  }
}

function listOf(value: number | string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return NONE
  return typeof value === 'object' ? value : [String(value)]
}
