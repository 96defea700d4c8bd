import { BackendError, InvalidValueError } from './errors.ts'
import { isJsonObject, parseJson } from './json.ts'
import type { Labels } from './session-backend.ts'

/** No labels. */
export const NO_LABELS: Labels = Object.freeze({})

/**
 * The text under which a store keeps labels.
 *
 * @throws InvalidValueError when `labels` is not an object of strings.
 */
export function encodeLabels(labels: Labels | undefined): string | null {
  if (labels === undefined) return null
  if (!isLabels(labels)) throw new InvalidValueError('"labels" must be an object of strings')
  return JSON.stringify(labels)
}

/**
 * The labels of a text that `encodeLabels` made.
 *
 * @throws BackendError when it is another: the store has given back what nobody gave it.
 */
export function decodeLabels(text: string | null): Labels {
  if (text === null) return NO_LABELS
  const labels = parseJson(text)
  if (!isLabels(labels))
    throw new BackendError('the store gave back labels that it was never given')
  return labels
}

// Markup, quotes and backslashes; whatever is no printable ASCII.
const UNSAFE = /[^ -~]|[<>&"'`\\]/g

/**
 * A text of the client's in a form that needs no escaping: printable ASCII without markup, quotes and backslashes, in whose
 * place there is a space, and at most `length` characters of it.
 */
export function plainText(text: string, length: number): string {
  // A header may be as long as the server takes: what is cut off is not looked at.
  const safe = text.slice(0, length).replace(UNSAFE, ' ')
  return safe.replace(/ +/g, ' ').trim()
}

function isLabels(labels: unknown): labels is Labels {
  return isJsonObject(labels) && Object.values(labels).every((label) => typeof label === 'string')
}
