import { describe, expect, it } from 'vitest'
import { readCookie, readCookies } from '../../src/http/cookie-header.ts'

const NAME = '__Host-session'

// Title, header, name, values found.
type Row = readonly [title: string, header: string, name: string, values: readonly string[]]

function check(rows: readonly Row[]): void {
  for (const [title, header, name, values] of rows) {
    it(title, () => {
      expect(readCookies(header, name)).toStrictEqual(values)
      expect(readCookie(header, name)).toBe(values[0])
    })
  }
}

// cookie-string = cookie-pair *( ";" SP cookie-pair ) (RFC 6265bis §4.2.1).
describe('readCookies', () => {
  describe('where the pair stands', () => {
    check([
      ['finds the only cookie', 'a=1', 'a', ['1']],
      ['finds the first of three', 'a=1; b=2; c=3', 'a', ['1']],
      ['finds the middle one', 'a=1; b=2; c=3', 'b', ['2']],
      ['finds the last one', 'a=1; b=2; c=3', 'c', ['3']],
      ['finds a session cookie among others', `x=1; ${NAME}=key; y=2`, NAME, ['key']],
      ['finds nothing in an empty header', '', 'a', []],
      ['finds nothing in white space', ' \t ', 'a', []],
      ['finds nothing in semicolons', ';;; ;', 'a', []],
      ['finds nothing where the name is missing', 'b=2; c=3', 'a', []],
      ['finds a cookie after empty pairs', ';; ;a=1', 'a', ['1']],
      ['finds a cookie before an empty pair', 'a=1;', 'a', ['1']],
      ['needs no space after the semicolon', 'b=2;a=1;c=3', 'a', ['1']],
      ['does not split at a comma', 'b=2, a=1', 'a', []],
      ['keeps a comma in a value', 'a=1,2; b=3', 'a', ['1,2']],
      ['does not split at a line break', 'b=2\r\na=1', 'a', []],
    ])
  })

  describe('names', () => {
    check([
      ['finds nothing under the empty name', '=v; =w', '', []],
      ['skips a nameless pair', '=v; a=1', 'a', ['1']],
      ['skips a pair without an equals sign', 'a; b; a=1', 'a', ['1']],
      ['reads a header that is only the name as no cookie', 'a', 'a', []],
      ['is no longer name with the same end', 'ba=1', 'a', []],
      ['is no longer name with the same start', 'ab=1', 'a', []],
      ['is not fooled by a name in a value', 'b=a=1; a=2', 'a', ['2']],
      ['is not fooled by a name after a space in a value', 'b=x a=1; a=2', 'a', ['2']],
      ['is not fooled by a name after a tab in a value', 'b=x\ta=1; a=2', 'a', ['2']],
      ['is not fooled by a name that ends a value', 'b=a; a=2', 'a', ['2']],
      ['finds a name that overlaps itself', 'aaa=1; aa=2', 'aa', ['2']],
      ['finds a name right after a look-alike', 'aba=1;ab=2', 'ab', ['2']],
      ['compares case', '__host-session=a; __HOST-SESSION=b', NAME, []],
      ['finds the rightly cased one of two', '__host-session=a; __Host-session=b', NAME, ['b']],
      ['decodes no escapes in names', '%61=1; a=2', 'a', ['2']],
      ['reads a name in quotes as another name', '"a"=1; a=2', 'a', ['2']],
      ['reads __proto__ as any other name', '__proto__=1; a=2', '__proto__', ['1']],
      ['reads constructor as any other name', 'constructor=1', 'constructor', ['1']],
      ['finds no inherited name', 'a=1', 'toString', []],
      ['takes every character of a token', "!#$%&'*+-.^_`|~=1", "!#$%&'*+-.^_`|~", ['1']],
      ['knows no $ attributes', '$Version=1; a=2', '$Version', ['1']],
    ])
  })

  describe('values', () => {
    check([
      ['reads an empty value', 'a=; b=2', 'a', ['']],
      ['reads an empty value at the end', 'b=2; a=', 'a', ['']],
      ['splits at the first equals sign', 'a=b=c; d=e', 'a', ['b=c']],
      ['reads its own name as a value', 'a=a=a; b=2', 'a', ['a=a']],
      ['keeps a value of equals signs', 'a===', 'a', ['==']],
      ['decodes nothing', 'a=%20%3B+x', 'a', ['%20%3B+x']],
      ['keeps white space inside', 'a=1 2\t3', 'a', ['1 2\t3']],
      ['keeps NUL and other controls', 'a=\0\x01\x7F', 'a', ['\0\x01\x7F']],
      ['keeps a lone surrogate', 'a=\uD800; b=2', 'a', ['\uD800']],
      ['keeps text beyond ASCII', 'a=é☃', 'a', ['é☃']],
      ['does not take a no-break space for white space', 'a=\u00A01\u00A0', 'a', ['\u00A01\u00A0']],
    ])
  })

  describe('white space', () => {
    check([
      ['ignores it before a name', '  \t a=1', 'a', ['1']],
      ['ignores it before a later name', 'b=2; \t a=1', 'a', ['1']],
      ['ignores it between name and equals sign', 'a \t =1', 'a', ['1']],
      ['ignores it before a value', 'a= \t 1', 'a', ['1']],
      ['ignores it after a value', 'a=1 \t ; b=2', 'a', ['1']],
      ['ignores it at the end of the header', 'a=1 \t ', 'a', ['1']],
      ['reads a value of nothing else as empty', 'a= \t ; b=2', 'a', ['']],
      ['reads a value of nothing else at the end as empty', 'a= \t ', 'a', ['']],
      ['does not let a value run into the next pair', 'a=; b', 'a', ['']],
      ['does not count a line feed as white space', '\na=1', 'a', []],
      ['skips a name that is followed by white space alone', 'a  ; b', 'a', []],
    ])
  })

  // cookie-value = *cookie-octet / ( DQUOTE *cookie-octet DQUOTE ).
  describe('quotes', () => {
    check([
      ['takes off one pair', 'a="1"', 'a', ['1']],
      ['takes them off before other cookies', 'a="1"; b="2"', 'a', ['1']],
      ['takes them off within white space', 'a= "1" ; b=2', 'a', ['1']],
      ['takes off only one pair', 'a=""1""', 'a', ['"1"']],
      ['reads two quotes as empty', 'a=""', 'a', ['']],
      ['keeps a single quote', 'a="', 'a', ['"']],
      ['keeps an opening quote without its other', 'a="1', 'a', ['"1']],
      ['keeps a closing quote without its other', 'a=1"', 'a', ['1"']],
      ['keeps quotes inside', 'a=1"2"3', 'a', ['1"2"3']],
      ['keeps white space inside them', 'a=" 1 "', 'a', [' 1 ']],
      ['ends the value at a semicolon, quoted or not', 'a="1;2"; b=3', 'a', ['"1']],
      ['finds a cookie after an open quote', 'b="1; a=2', 'a', ['2']],
      ['does not take single quotes for quotes', "a='1'", 'a', ["'1'"]],
    ])
  })

  describe('several cookies of one name', () => {
    check([
      ['gives all, in header order', 'a=1; a=2; a=3', 'a', ['1', '2', '3']],
      ['gives equal ones as often as they come', 'a=1; a=1', 'a', ['1', '1']],
      ['gives those between others', 'a=1; b=2; a=3; c=4; a=5', 'a', ['1', '3', '5']],
      ['gives empty ones too', 'a=; a=1; a=', 'a', ['', '1', '']],
      ['gives those without a space between', 'a=1;a=2', 'a', ['1', '2']],
      ['skips those without an equals sign between', 'a=1; a; a=2', 'a', ['1', '2']],
    ])
  })

  it('reads 10,000 cookies', () => {
    const header = Array.from({ length: 10_000 }, (_, n) => `c${n}=${n}`).join('; ')
    expect(readCookies(header, 'c0')).toStrictEqual(['0'])
    expect(readCookies(header, 'c9999')).toStrictEqual(['9999'])
    expect(readCookies(header, 'c10000')).toStrictEqual([])
  })

  it('reads 10,000 cookies of one name', () => {
    const values = readCookies('a=1; '.repeat(10_000), 'a')
    expect(values).toHaveLength(10_000)
    expect(new Set(values)).toStrictEqual(new Set(['1']))
  })

  it('reads a cookie behind 64 KiB of anything', () => {
    for (const filler of [
      'a',
      'a ',
      ' ',
      ';',
      '=',
      '"',
      '\0',
      'a=',
      '\uD800',
      `${NAME} `,
      '__Host-',
    ]) {
      const noise = filler.repeat(65_536 / filler.length)
      expect(readCookies(`${noise}; ${NAME}=key`, NAME)).toStrictEqual(['key'])
    }
  })
})
