// cookie-string = cookie-pair *( ";" SP cookie-pair ), cookie-pair = cookie-name "=" cookie-value
// (RFC 6265bis §4.2.1). Reading accepts what browsers and proxies send: any white space around names
// and values, pairs without "=" (skipped), values in double quotes (the quotes are taken off: no key
// holds one). Names are compared byte for byte, so `__host-x` is not `__Host-x`. Nothing is decoded.

const TAB = 9
const SPACE = 32
const QUOTE = 34
const SEMICOLON = 59
const EQUALS = 61

/**
 * The values of the cookies called `name`, in header order. Finds them by scanning for the name: other
 * cookies are neither split nor copied. Linear in the header's length, whatever it holds; never throws.
 */
export function readCookies(header: string, name: string): string[] {
  const values: string[] = []
  if (name === '') return values
  let at = header.indexOf(name)
  while (at !== -1) {
    const equals = skipSpace(header, at + name.length)
    if (header.charCodeAt(equals) === EQUALS && startsPair(header, at)) {
      const semicolon = header.indexOf(';', equals)
      const end = semicolon === -1 ? header.length : semicolon
      values.push(trimmed(header, equals + 1, end))
      at = header.indexOf(name, end)
    } else {
      at = header.indexOf(name, at + 1)
    }
  }
  return values
}

/** The value of the first cookie called `name`, or `undefined`. */
export function readCookie(header: string, name: string): string | undefined {
  return readCookies(header, name)[0]
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

/** Whether nothing but white space lies between `at` and the start of its cookie-pair. */
function startsPair(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isSpace(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === SEMICOLON
}

/** The text between two places without the white space around it and one pair of quotes. */
function trimmed(text: string, from: number, to: number): string {
  let start = skipSpace(text, from)
  let end = to
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  if (end - start >= 2 && text.charCodeAt(start) === QUOTE && text.charCodeAt(end - 1) === QUOTE) {
    start++
    end--
  }
  return text.slice(start, end)
}
