import type { IncomingMessage } from 'node:http'
import type { RequestSession } from '../src/index.ts'
import type { Visit } from './shop.ts'

/** What a route gets. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly session: RequestSession<Visit>
  /** Of the form, or else of the address. */
  readonly fields: URLSearchParams
}

/** What it gives. */
export type Answer =
  | { readonly page: string; readonly status?: number }
  | { readonly seeOther: string }
  | { readonly styles: string }

/** What is done at an address. */
export type Route = (exchange: Exchange) => Answer | Promise<Answer>

/** Sends the browser on, so that a reload does not post again. */
export function seeOther(path: string): Answer {
  return { seeOther: path }
}
