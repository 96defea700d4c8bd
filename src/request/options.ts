import type { RequestSessionOptions } from './request-session.ts'

/**
 * Checks the options of a request's session and fills in what they leave out. Adapters do so when they are made.
 *
 * @throws TypeError for an option of the wrong type.
 */
export function checkRequestOptions({
  discard = false,
  onInvalid = 'reject',
}: RequestSessionOptions): Required<RequestSessionOptions> {
  if (typeof discard !== 'boolean') throw new TypeError('"discard" must be true or false')
  if (onInvalid !== 'reject' && onInvalid !== 'create') {
    throw new TypeError('"onInvalid" must be "reject" or "create"')
  }
  return { discard, onInvalid }
}
