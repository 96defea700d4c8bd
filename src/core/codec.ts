import { InvalidValueError } from './errors.ts'

/** Turns values into the text that a backend keeps, and back. Before a schema `Decoded` may be `unknown`. */
export interface Codec<V, Decoded = V> {
  /** The text for `value`. Whatever it throws becomes an `InvalidValueError`. */
  readonly encode: (value: V) => string
  /** The value for a text that `encode` made. Whatever it throws makes the session `invalid`. */
  readonly decode: (text: string) => Decoded
}

/** JSON, the default. What JSON cannot express (a `Map`, a `Date`, `NaN`) comes back as JSON left it. */
export const jsonCodec: Codec<unknown> = {
  encode: (value) => JSON.stringify(value),
  decode: (text): unknown => JSON.parse(text),
}

// The causes below are dropped on purpose: a parser's message quotes the text it could not parse.

/**
 * Encodes a value of the application. What a codec other than `jsonCodec` makes is decoded once on the spot:
 * a value that could be stored but not read back would be lost without anyone noticing.
 *
 * @throws InvalidValueError when the codec throws, or makes what is no well-formed string or cannot be decoded.
 */
export function encodeValue<V>(codec: Codec<V, unknown>, value: V): string {
  const text = encodeText(codec, value)
  if ((codec as unknown) !== jsonCodec) decodeValue(codec, text)
  return text
}

/**
 * Encodes a value that is about to be decoded again by other means.
 *
 * @throws InvalidValueError when the codec throws, or makes what is no well-formed string.
 */
export function encodeText<V>(codec: Codec<V, unknown>, value: V): string {
  let text: unknown
  try {
    text = codec.encode(value)
  } catch {
    throw new InvalidValueError('"value" cannot be encoded by the codec')
  }
  if (typeof text !== 'string') throw new InvalidValueError('"value" has no encoding in the codec')
  assertWellFormed(text)
  return text
}

/**
 * Decodes a stored text.
 *
 * @throws InvalidValueError when the codec throws or gives `undefined`, which is no value.
 */
export function decodeValue<Decoded>(codec: Codec<never, Decoded>, text: string): Decoded {
  let value: Decoded
  try {
    value = codec.decode(text)
  } catch {
    throw new InvalidValueError('the stored value cannot be decoded by the codec')
  }
  if (value === undefined) throw new InvalidValueError('the stored value decodes to undefined')
  return value
}

/**
 * Refuses a lone surrogate: it has no UTF-8 form, so every engine would keep something else.
 *
 * @throws InvalidValueError when `text` has one.
 */
export function assertWellFormed(text: string): void {
  if (!text.isWellFormed()) throw new InvalidValueError('"value" contains a lone surrogate')
}

/**
 * Accepts a text to be stored as a value.
 *
 * @throws InvalidValueError when it is no text, or has a lone surrogate.
 */
export function assertValue(value: unknown): void {
  if (typeof value !== 'string') throw new InvalidValueError('"value" must be a string')
  assertWellFormed(value)
}
