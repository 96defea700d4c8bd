import { assertBoolean, assertOneOf } from '../core/options.ts'
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
  assertBoolean('discard', discard)
  assertOneOf('onInvalid', onInvalid, ['reject', 'create'])
  return { discard, onInvalid }
}
