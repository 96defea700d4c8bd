import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GlideClusterClient } from '@valkey/valkey-glide'
import { Cluster, Redis } from 'ioredis'
import { createClient } from 'redis'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { createServerClock } from '../../src/backends/redis/clock.ts'
import { createKeyspace } from '../../src/backends/redis/keyspace.ts'
import { parseHeader, parseRecord } from '../../src/backends/redis/record.ts'
import { BackendError, InvalidPeriodError } from '../../src/index.ts'

describe('createRedisBackend', () => {
  it.each([
    ['a URL', 'redis://localhost'],
    ['nothing', undefined],
    ['null', null],
    ['an object', {}],
    ['a Map', new Map()],
    ['a client of valkey-glide for clusters', Object.create(GlideClusterClient.prototype)],
  ])('refuses %s for a client', (_, client) => {
    expect(() => createRedisBackend(client as never)).toThrow(TypeError)
  })

  it('refuses a client that prefixes keys itself, or reads from replicas', () => {
    const lazy = { lazyConnect: true }
    const prefixing = new Redis({ ...lazy, keyPrefix: 'app:' })
    expect(() => createRedisBackend(prefixing)).toThrow(/keyPrefix/)
    for (const scaleReads of ['slave', 'all'] as const) {
      const reading = new Cluster([], { ...lazy, scaleReads })
      expect(() => createRedisBackend(reading)).toThrow(/masters/)
    }
    expect(() => createRedisBackend(new Cluster([], lazy))).not.toThrow()
  })

  it('refuses options that are not as described', () => {
    const client = createClient()
    const make = (options: object) => () => createRedisBackend(client, options)
    expect(make({ prefix: 1 })).toThrow(TypeError)
    expect(make({ prefix: '\uD800' })).toThrow(TypeError)
    expect(make({ onEviction: 'never' })).toThrow(TypeError)
    expect(make({ timeoutMs: 0 })).toThrow(RangeError)
    expect(make({ period: 0 })).toThrow(InvalidPeriodError)
    expect(make({ period: 60, timeoutMs: undefined, prefix: undefined })).not.toThrow()
  })

  it('listens once for the errors of a client of node-redis, however many backends it has', () => {
    const client = createClient()
    const before = client.listenerCount('error')
    for (let at = 0; at < 20; at++) createRedisBackend(client)
    expect(client.listenerCount('error')).toBe(before + 1)
  })

  it('reports a client that is not connected as a fault', async () => {
    const backend = createRedisBackend(createClient())
    await expect(backend.generate()).rejects.toThrow(BackendError)
  })
})

describe('createKeyspace', () => {
  it('knows its own keys from those that begin alike', () => {
    const names = createKeyspace('a*[b]?\\:')
    const id = 'A'.repeat(22) as never
    expect(names.kindOf(names.record(id))).toBe('record')
    expect(names.kindOf(names.index('B'.repeat(22)))).toBe('index')
    for (const key of [
      names.mark(id, 'x'),
      `b${names.record(id)}`,
      `${names.record(id)}x`,
      'a*[b]?\\:',
      '',
    ]) {
      expect(names.kindOf(key)).toBeUndefined()
    }
    expect(names.pattern).toBe(String.raw`a\*\[b\]\?\\:*`)
  })
})

describe('parseRecord', () => {
  it('takes what it does not know for a fault, and never for no record', () => {
    const line = `1 0 1 2 3 4 5 6 hash - - 7 =a%20b index - =extra writes`
    const read = (text: string) => parseRecord('id' as never, text, 9)
    expect(read(`${line}\n+value\n`)).toEqual({
      recordId: 'id',
      value: 'value\n',
      version: 2,
      idleMs: 3,
      createdAtMs: 4,
      expiresAtMs: 1,
      deadlineMs: 5,
      security: {
        secretHash: 'hash',
        previousHash: null,
        previousUntilMs: null,
        subject: 'a b',
        authenticatedAtMs: 7,
        labels: null,
        extra: 'extra',
      },
      securityVersion: 6,
      nowMs: 9,
    })
    expect(read(`${line}\n-`).value).toBeNull()
    for (const text of [
      '',
      'x',
      '{"json":true}',
      line,
      line.replace('1 0 1', '1 0 2'),
      line.replace(' 3 ', ' x '),
    ]) {
      expect(() => read(text === line ? text : `${text}\n-`)).toThrow(BackendError)
    }
  })
})

describe('parseHeader', () => {
  it('takes what it does not know for a fault, and never for no record', () => {
    for (const line of [
      '',
      'a b',
      '-',
      Array(17).fill('2').join(' '),
      Array(18).fill('1').join(' '),
    ]) {
      expect(() => parseHeader(line)).toThrow(BackendError)
    }
    expect(parseHeader(Array(17).fill('1').join(' '))).toHaveLength(17)
  })
})

describe('createServerClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'Date'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  const SERVER = 1_800_000_000_000

  /** An answer of a server whose clock shows `serverMs` halfway through a trip. */
  function learn(clock: ReturnType<typeof createServerClock>, serverMs: number, tripMs: number) {
    const sentAt = performance.now()
    vi.advanceTimersByTime(tripMs)
    clock.learn(serverMs, sentAt)
  }

  it('is unknown before the first answer, and off by half a trip at the most after it', () => {
    const clock = createServerClock()
    expect(clock.fresh).toBe(false)
    learn(clock, SERVER, 100)
    expect(clock.fresh).toBe(true)
    expect(clock.earliest()).toBe(SERVER)
    expect(clock.now()).toBeGreaterThanOrEqual(SERVER + 50)
    expect(clock.now()).toBeLessThanOrEqual(SERVER + 51)
    vi.advanceTimersByTime(1000)
    expect(clock.now() - SERVER).toBeGreaterThanOrEqual(1050)
  })

  it('is narrowed by a quicker answer, and not widened by a slower one', () => {
    const clock = createServerClock()
    learn(clock, SERVER + 500, 1000)
    learn(clock, SERVER + 1001, 2)
    expect(clock.now() - SERVER).toBeGreaterThanOrEqual(1001)
    expect(clock.now() - SERVER).toBeLessThanOrEqual(1004)
    learn(clock, SERVER + 1002, 3000)
    expect(clock.now() - SERVER - 4002).toBeLessThanOrEqual(5)
    expect(clock.now() - SERVER - 4002).toBeGreaterThanOrEqual(-1)
  })

  it('follows a server whose clock was set, or another that has taken over', () => {
    const clock = createServerClock()
    learn(clock, SERVER, 2)
    for (const jump of [-60_000, 60_000]) {
      learn(clock, SERVER + jump, 2)
      expect(Math.abs(clock.now() - SERVER - jump - 1)).toBeLessThanOrEqual(1)
    }
  })

  it('is stale after half a minute, and at once when the machine has slept', () => {
    const clock = createServerClock()
    learn(clock, SERVER, 2)
    vi.advanceTimersByTime(29_000)
    expect(clock.fresh).toBe(true)
    vi.advanceTimersByTime(1001)
    expect(clock.fresh).toBe(false)
    learn(clock, SERVER + 30_000, 2)
    expect(clock.fresh).toBe(true)
    // The monotonic clock has stood still meanwhile.
    vi.setSystemTime(Date.now() + 3_600_000)
    expect(clock.fresh).toBe(false)
  })
})
