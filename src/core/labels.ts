import { BackendError, InvalidValueError } from './errors.ts'
import { parseJson } from './json.ts'
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

function isLabels(labels: unknown): labels is Labels {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return false
  return Object.values(labels).every((label) => typeof label === 'string')
}
