import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import { DRIVERS, newPrefix } from './redis/clients.ts'
import type { Connected } from './redis/clients.ts'
import { runContracts } from './redis/contracts.ts'

const TEXTS = {
  'an empty text': '',
  'a hyphen': '-',
  'a plus': '+',
  'a percent sign': '%41%',
  'spaces and lines': ' a  b\n\n c\r\n',
  'U+0000 alone': '\0',
  'U+0000 within': 'before\0after',
  'U+0000 after a byte order mark': '\uFEFF\0',
  'a byte order mark': '\uFEFFx',
  emoji: '🧭🏴‍☠️',
  digits: '0042',
  'a mebibyte': 'é'.repeat(2 ** 19),
  'a mebibyte with U+0000': `${'x'.repeat(2 ** 20 - 1)}\0`,
}

const url = inject('redisUrl')

describe.each(DRIVERS)('createRedisBackend on $name', ({ connect }) => {
  let connected: Connected

  beforeAll(async () => {
    connected = await connect(url)
  })

  afterAll(async () => {
    await connected.close()
  })

  const make = () => createRedisBackend(connected.client, { prefix: newPrefix() })

  runContracts(() => connected.client)

  it.each(Object.entries(TEXTS))('keeps %s as value, subject and label', async (_, text) => {
    const backend = make()
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
    expect(await backend.set(key, undefined, { expiry: 50 })).toMatchObject({ ok: true })
    const again = await backend.get(key)
    expect(again.ok && again.value === text && again.period === 50).toBe(true)
    expect(await backend.clearSubject(subject)).toBe(1)
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_found' })
    expect(await backend.get(other)).toMatchObject({ ok: true, value: 'other' })
    expect(await backend.clearAll()).toBe(1)
  })

  it('tells an empty value from none', async () => {
    const backend = make()
    const key = await backend.generate()
    expect(await backend.get(key)).toEqual({ ok: false, reason: 'not_set' })
    await backend.set(key, '')
    expect(await backend.get(key)).toMatchObject({ ok: true, value: '' })
    await backend.clear(key)
  })

  it('takes a version that is no number for another version', async () => {
    const backend = make()
    const key = await backend.generate({ value: 'a' })
    for (const version of [NaN, null as never, 1e300, -1, 1.5, Infinity]) {
      expect(await backend.set(key, 'b', { version })).toEqual({ ok: false, reason: 'conflict' })
    }
    expect(await backend.get(key)).toMatchObject({ value: 'a', version: 1 })
    await backend.clear(key)
  })

  it('counts every increment of many updates at once', async () => {
    const sessions = createSessionManager<number>({ backend: make() })
    const session = await sessions.generate(0)
    const increment = async () => {
      const found = await sessions.fromKey(session.key)
      if (found.ok) await sessions.update(found.session, (count) => count + 1)
    }
    await Promise.all(Array.from({ length: 64 }, increment))
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: 64 } })
    await sessions.clear(session)
  })

  it('takes spans of any size, and shows whole milliseconds', async () => {
    const backend = make()
    const key = await backend.generate({ value: 'a', expiry: 34_560_000, subject: 'ann' })
    const [summary] = await backend.list('ann')
    const born = summary?.createdAt.getTime() ?? NaN
    // The absolute lifetime of 30 days bounds it.
    expect(summary?.expiresAt.getTime()).toBe(born + 2_592_000_000)
    await backend.generate({ value: 'b', expiry: -34_560_000, subject: 'ann' })
    expect(await backend.list('ann')).toHaveLength(1)
    await backend.clear(key)
  })

  it('reports a closed client as a fault and not as a missing session', async () => {
    const closing = await connect(url)
    const backend = createRedisBackend(closing.client, { prefix: newPrefix(), timeoutMs: 2000 })
    const key = await backend.generate({ value: 'a', expiry: 5 })
    await closing.close()
    const operations = [
      () => backend.get(key),
      () =>
        Promise.any([backend.get(key), backend.get(key)]).catch(({ errors }) =>
          Promise.reject(errors[1]),
        ),
      () => backend.set(key, 'b'),
      () => backend.clear(key),
      () => backend.generate({ value: 'c' }),
      () => backend.rotate(key, 1),
      () => backend.list('ann'),
      () => backend.clearSubject('ann'),
      () => backend.clearAll(),
    ]
    for (const operation of operations) {
      const error = await operation().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect((error as BackendError).message).not.toContain(key)
    }
    backend.close()
  })
})
