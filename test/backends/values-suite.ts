import { expect, it } from 'vitest'
import type { Awaitable, Key, SessionBackend } from '../../src/index.ts'

// What some engine, some driver or some encoding of ours would take for something else.
const TEXTS: Readonly<Record<string, string>> = {
  'an empty text': '',
  'a hyphen': '-',
  'a plus': '+',
  'a percent sign': '%41%',
  'a comma': ',1,',
  'a trailing space': 'ann ',
  'a capital': 'Ann',
  'an accent': 'ánn',
  'spaces and lines': ' a  b\n\n c\r\n',
  'U+0000 alone': '\0',
  'U+0000 within': 'before\0after',
  'the mark of an escaped text': '\u0001',
  'what an escaped text looks like': '\u0001a\u00010\u00011',
  'the mark, U+0000 and what escapes them': '\u0001\0\u000101\u0001\u0001\0\0',
  'the mark within': 'a\u0001b',
  'U+0000 after a byte order mark': '\uFEFF\0',
  'a byte order mark': '\uFEFFx',
  emoji: '🧭🏴‍☠️',
  digits: '0042',
  'a number': '42',
  null: 'null',
  'a word of JSON': 'true',
  'an object of JSON': '{"__proto__":{"a":1}}',
  'a text of JSON': '"quoted"',
  'a prefix of base64': 'base64:AAAA',
  'a backslash': '\\x00 \\0',
  'quotes and backslashes': `\\'"\`%_\\0`,
  'a mebibyte': 'é'.repeat(2 ** 19),
  'a mebibyte with U+0000': `${'x'.repeat(2 ** 20 - 1)}\0`,
}

const NOT_FOUND = { ok: false, reason: 'not_found' }
const NO_VERSIONS = [NaN, null as never, 1e300, -1, 0, 1.5, Infinity]

/** How values are kept that something on the way could change. `open` gives a backend without sessions. */
export function valuesSuite(
  open: () => Awaitable<SessionBackend>,
  { lists = true }: { readonly lists?: boolean } = {},
): void {
  it.each(Object.entries(TEXTS))('keeps %s as value, subject and label', async (_, text) => {
    const backend = await open()
    const subject = `user ${text}`
    const key = await backend.generate({ value: text, subject, labels: { text } })
    const other = await backend.generate({ value: 'other', subject: 'user' })
    const found = await backend.get(key)
    expect(found.ok && found.value === text).toBe(true)
    expect(found.ok && found.facts.subject === subject).toBe(true)
    const [listed] = await backend.list(subject)
    expect(listed?.labels['text'] === text).toBe(true)
    expect(await backend.set(key, `${text}2`)).toMatchObject({ ok: true, version: 2 })
    expect(await backend.set(key, text, { version: 2 })).toMatchObject({ ok: true, version: 3 })
    expect(await backend.set(key, undefined, { expiry: 50 })).toMatchObject({ ok: true })
    const again = await backend.get(key)
    expect(again.ok && again.value === text && again.period > 40).toBe(true)
    expect(again.ok && again.period).toBeLessThanOrEqual(50)
    expect(await backend.clearSubject(subject)).toBe(1)
    expect(await backend.get(key)).toEqual(NOT_FOUND)
    expect(await backend.get(other)).toMatchObject({ ok: true, value: 'other' })
    await (lists ? backend.clearAll() : backend.clear(other))
    expect(await backend.get(other)).toEqual(NOT_FOUND)
  })

  it('keeps all of them apart that are set at once', async () => {
    const backend = await open()
    const texts = Object.values(TEXTS)
    const keys = await Promise.all(texts.map(async () => backend.generate({ value: 'before' })))
    const write = async (key: Key, n: number) => backend.set(key, texts[n], { version: 1 })
    expect((await Promise.all(keys.map(write))).every(({ ok }) => ok)).toBe(true)
    const found = await Promise.all(keys.map(async (key) => backend.get(key)))
    expect(found.map((answer, n) => answer.ok && answer.value === texts[n])).toEqual(
      texts.map(() => true),
    )
    await Promise.all(keys.map(async (key) => backend.clear(key)))
  })

  it('tells every two texts apart as subjects', async () => {
    const backend = await open()
    const subjects = Object.values(TEXTS).filter((text) => text !== '')
    for (const subject of subjects) await backend.generate({ value: 'a', subject })
    for (const subject of subjects) expect(await backend.list(subject)).toHaveLength(1)
    for (const subject of subjects) expect(await backend.clearSubject(subject)).toBe(1)
  })

  it('tells an empty value from none', async () => {
    const backend = await open()
    const key = await backend.generate()
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_set' })
    await backend.set(key, '')
    expect(await backend.get(key)).toMatchObject({ ok: true, value: '' })
    await backend.clear(key)
  })

  it('takes a version that is no number for another version', async () => {
    const backend = await open()
    const key = await backend.generate({ value: 'a' })
    for (const version of NO_VERSIONS) {
      expect(await backend.set(key, 'b', { version })).toEqual({ ok: false, reason: 'conflict' })
    }
    expect(await backend.get(key)).toMatchObject({ value: 'a', version: 1 })
    await backend.clear(key)
  })
}
