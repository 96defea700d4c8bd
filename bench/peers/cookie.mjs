// The cookie of what is written by hand.

/** With the equals sign. */
export const NAME = 'floor='

export const ATTRIBUTES = '; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400'

/** The value of the cookie, found without a look at the others. */
export function keyIn(header = '') {
  let start = header.indexOf(NAME)
  while (start > 0 && header[start - 1] !== ' ' && header[start - 1] !== ';') {
    start = header.indexOf(NAME, start + 1)
  }
  if (start < 0) throw new Error('no cookie')
  const end = header.indexOf(';', start)
  return header.slice(start + NAME.length, end < 0 ? undefined : end)
}
