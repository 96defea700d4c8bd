import * as fc from 'fast-check'

/** Sixty-four kibibytes: far beyond what any server accepts as a header. */
export const LONG = 65_536

/** Names that are easily taken for `name`, or for something else. */
function namesAround(name: string): string[] {
  return [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    `${name}x`,
    `x${name}`,
    name.slice(0, -1),
    '',
    '__proto__',
    'constructor',
    'toString',
    '$Version',
  ]
}

/**
 * `Cookie` headers of every kind: ones that browsers send, ones with `values` under `name`, ones made of the
 * characters that parsers trip over, and any text at all, lone surrogates and NUL included.
 */
export function cookieHeaders(name: string, values: readonly string[]): fc.Arbitrary<string> {
  const space = fc.constantFrom('', ' ', '\t', ' \t ')
  const text = fc.string({ unit: 'binary', maxLength: 40 })
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...values) },
    fc.constantFrom(...values).map((given) => `"${given}"`),
    fc.tuple(fc.constantFrom(...values), fc.nat(80), text).map(([given, at, put]) => {
      return given.slice(0, at) + put + given.slice(at + 1)
    }),
    text,
  )
  const pairName = fc.oneof(
    { weight: 3, arbitrary: fc.constant(name) },
    fc.constantFrom(...namesAround(name)),
    text,
  )
  const equals = fc.constantFrom('=', '=', '=', '==', '')
  const pair = fc.tuple(space, pairName, space, equals, space, value, space)
  const separator = fc.constantFrom('; ', '; ', ';', ' ; ', ';;', ', ', '\n')
  const pairs = fc.array(fc.tuple(pair, separator), { maxLength: 8 })
  const bits = fc.constantFrom(name, name.slice(0, 3), 'a', '=', ';', ' ', '\t', '"', ',', '\0')
  return fc.oneof(
    { weight: 4, arbitrary: pairs.map((all) => all.flat(2).join('')) },
    { weight: 2, arbitrary: fc.array(bits, { maxLength: 30 }).map((all) => all.join('')) },
    fc.string({ unit: 'binary', maxLength: 200 }),
  )
}

/** Headers of about `size` characters that invite quadratic work, by what they hold. */
export function hostileHeaders(name: string, value: string, size: number): Map<string, string> {
  const fill = (text: string): string => text.repeat(Math.ceil(size / text.length)).slice(0, size)
  return new Map([
    ['spaces', fill(' ')],
    ['a name and spaces', name + fill(' ')],
    ['spaces and a name', `${fill(' ')}${name}`],
    ['names', fill(name)],
    ['names and spaces', fill(`${name} `)],
    ['names and tabs', fill(`${name}\t\t\t\t`)],
    ['names without their end', fill(name.slice(0, -1))],
    ['names in values', `x=${fill(`${name}=`)}`],
    ['names after spaces in values', `x=${fill(` ${name}=`)}`],
    ['nameless pairs', fill('=;')],
    ['semicolons', fill(';')],
    ['equals signs', `${name}=${fill('=')}`],
    ['quotes', `${name}=${fill('"')}`],
    ['empty cookies', fill(`${name}=;`)],
    ['quoted cookies', fill(`${name}=""; `)],
    ['malformed cookies', fill(`${name}=${value}x; `)],
    ['well-formed cookies', fill(`${name}=${value}; `)],
    ['other cookies', fill('cookie=some value of it; ')],
    ['prototypes', fill('__proto__=1; constructor=2; ')],
    ['NULs', fill('\0')],
    ['lone surrogates', fill('\uD800')],
  ])
}

/** What `readCookies` must agree with: the grammar in ten lines, without a thought for speed. */
export function readCookiesNaively(header: string, name: string): string[] {
  const values: string[] = []
  for (const pair of header.split(';')) {
    const [first, ...rest] = pair.split('=')
    if (rest.length === 0 || name === '' || strip(first ?? '') !== name) continue
    const value = strip(rest.join('='))
    const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"')
    values.push(quoted ? value.slice(1, -1) : value)
  }
  return values
}

function strip(text: string): string {
  const kept = (character: string): boolean => character !== ' ' && character !== '\t'
  const characters = text.split('')
  return text.slice(characters.findIndex(kept), characters.findLastIndex(kept) + 1)
}
