import { describe, expect, it } from 'vitest'
import { createPostgresBackend } from '../../../src/backends/postgres.ts'
import { createSessionManager } from '../../../src/index.ts'
import { storeContract } from '../../../src/testing/index.ts'
import { describeContract } from './contract.ts'
import { openStore, tableName } from './open.ts'
import type { Opened } from './open.ts'

const TEXTS = {
  'an empty text': '',
  'a hyphen': '-',
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
  null: 'null',
  'a backslash': '\\x00 \\0',
  'a mebibyte': 'é'.repeat(2 ** 19),
  'a mebibyte with U+0000': `${'x'.repeat(2 ** 20 - 1)}\0`,
}

// A busy machine is no fault of the store's.
const quiet = { sweepEveryMs: 0, timeoutMs: 30_000 }

/** What holds on every driver. */
export function describeDriver(open: () => Opened | Promise<Opened>): void {
  const opened = Promise.resolve(open())

  async function create(options: object = {}) {
    const { client } = await opened
    const backend = createPostgresBackend(client, { ...quiet, table: tableName(), ...options })
    await backend.migrate()
    return backend
  }

  // As in the other contract.
  describe.concurrent('storeContract', () => {
    const createStore = async () => (await openStore((await opened).client)).store
    for (const { name, run } of storeContract({ create: createStore })) it(name, run)
  })

  describeContract(() => create({ period: 60 }))

  it.each(Object.entries(TEXTS))('keeps %s as value, subject and label', async (_, text) => {
    const backend = await create()
    const subject = `user ${text}`
    const key = await backend.generate({ value: text, subject, labels: { text } })
    const other = await backend.generate({ value: 'other', subject: 'other' })
    const found = await backend.get(key)
    expect(found.ok && found.value === text).toBe(true)
    expect(found.ok && found.facts.subject === subject).toBe(true)
    const [listed] = await backend.list(subject)
    expect(listed?.labels['text'] === text).toBe(true)
    expect(await backend.set(key, `${text}2`)).toMatchObject({ ok: true, version: 2 })
    expect(await backend.set(key, text)).toMatchObject({ ok: true, version: 3 })
    const again = await backend.get(key)
    expect(again.ok && again.value === text).toBe(true)
    expect(await backend.clearSubject(subject)).toBe(1)
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_found' })
    expect(await backend.get(other)).toMatchObject({ ok: true, value: 'other' })
  })

  it('tells every two texts apart as subjects', async () => {
    const backend = await create()
    const subjects = Object.values(TEXTS).filter((text) => text !== '')
    for (const subject of subjects) await backend.generate({ subject })
    for (const subject of subjects) expect(await backend.list(subject)).toHaveLength(1)
  })

  it('tells an empty value from none', async () => {
    const backend = await create()
    const key = await backend.generate()
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_set' })
    await backend.set(key, '')
    expect(await backend.get(key)).toMatchObject({ ok: true, value: '' })
  })

  it('takes a version that is no number for another version', async () => {
    const backend = await create()
    const key = await backend.generate({ value: 'a' })
    for (const version of [NaN, null as never, 1e300, -1, 1.5, Infinity]) {
      expect(await backend.set(key, 'b', { version })).toEqual({ ok: false, reason: 'conflict' })
    }
    expect(await backend.get(key)).toMatchObject({ value: 'a', version: 1 })
  })

  it('counts every increment of many updates at once', async () => {
    const sessions = createSessionManager<number>({ backend: await create() })
    const { key } = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await Promise.all(Array.from({ length: 64 }, increment))
    expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64 } })
  })

  it('does without prepared statements', async () => {
    const backend = await create({ prepare: false, maxPerSubject: 1 })
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    expect(await backend.set(key, 'b', { version: 1 })).toMatchObject({ ok: true, version: 2 })
    expect(await backend.rotate(key, 1, { authenticated: true })).toMatchObject({ ok: true })
    expect(await backend.clearSubject('ann')).toBe(1)
  })

  it('leaves the client open, however often it is closed', async () => {
    const backend = await create({ sweepEveryMs: 1000 })
    backend.close()
    backend.close()
    expect(await backend.clearAll()).toBe(0)
  })
}
