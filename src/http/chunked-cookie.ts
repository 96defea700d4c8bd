import { InvalidCookieError } from '../core/errors.ts'
import { readCookies } from './cookie-header.ts'
import { isCookieOctets } from './set-cookie.ts'

// A value that fits one cookie is that cookie's. A longer one is spread over `<name>`, `<name>.1`, `<name>.2`, …
// The first says how many there are, and all of them which value they are of, by its last characters:
//
//   <name>   = "~" count "~" tag "~" part
//   <name>.1 = tag "~" part
//
// So parts of two values are never put together, and what a longer value has left behind is passed over. None of it
// is trusted: whoever issued the value has to recognise it.

// Browsers grant 4096 bytes to name and value (RFC 6265bis §5.6); some count the attributes too, which need the rest.
const MAX_CHUNK_BYTES = 4020
/** Over how many cookies a value may be spread. */
const MAX_CHUNKS = 4
const TAG_LENGTH = 6
const FRAME_LENGTH = TAG_LENGTH + 4

/** The name of the cookie number `at` of a value. A prefix such as `__Host-` holds for all of them. */
export function chunkName(name: string, at: number): string {
  return at === 0 ? name : `${name}.${at}`
}

/**
 * How many cookies called `name` a value of `length` characters may take.
 *
 * @throws InvalidCookieError when it is more than four.
 */
export function cookiesFor(name: string, length: number): number {
  if (fitsOne(name, length)) return 1
  const count = Math.ceil(length / roomOf(name))
  if (count >= 1 && count <= MAX_CHUNKS) return count
  throw new InvalidCookieError('"name" leaves no room for the keys of this backend in four cookies')
}

/** The values of the cookies that carry `value`, which has at least six characters, in their order. */
export function chunksOf(name: string, value: string): string[] {
  if (fitsOne(name, value.length) && !value.startsWith('~')) return [value]
  const room = roomOf(name)
  const count = Math.ceil(value.length / room)
  const tag = value.slice(-TAG_LENGTH)
  return Array.from({ length: count }, (_, at) => {
    const part = `${tag}~${value.slice(at * room, (at + 1) * room)}`
    return at === 0 ? `~${count}~${part}` : part
  })
}

/**
 * The value that begins with `first`, the value of a cookie called `name`. Where a part of it is missing, `first`
 * itself, which is then no value of anybody's. Reads the header once for each part, and never throws.
 */
export function joinChunks(header: string, name: string, first: string): string {
  if (!first.startsWith('~')) return first
  const count = Number(first[1])
  const tag = first.slice(3, 3 + TAG_LENGTH)
  if (!(count >= 1 && count <= MAX_CHUNKS) || !first.startsWith(`~${count}~${tag}~`)) return first
  let value = first.slice(FRAME_LENGTH)
  for (let at = 1; at < count; at++) {
    const parts = readCookies(header, chunkName(name, at))
    const part = parts.find((each) => each.startsWith(`${tag}~`))
    if (part === undefined) return first
    value += part.slice(TAG_LENGTH + 1)
  }
  return value
}

/** Tells whether cookies can carry `value`, which may have up to `maxLength` characters. */
export function isChunkable(value: string, maxLength: number): boolean {
  return value.length <= maxLength && value.length >= TAG_LENGTH && isCookieOctets(value)
}

function fitsOne(name: string, length: number): boolean {
  return name.length + length <= MAX_CHUNK_BYTES
}

/** How much of a value each of several cookies holds. */
function roomOf(name: string): number {
  return MAX_CHUNK_BYTES - chunkName(name, 1).length - FRAME_LENGTH
}
