import { Keyv } from 'keyv'
import { describe, expect, it } from 'vitest'
import { createKeyvBackend, createKeyvStore } from '../../src/backends/keyv.ts'
import { BackendError } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/index.ts'
import { bridgeSuite, expectOutage } from './bridges-suite.ts'

const quiet = { sweepEveryMs: 0 }

const KEYVS: Readonly<Record<string, () => Keyv>> = {
  'a map': () => new Keyv(),
  'a map, with every option that changes keys or values': () =>
    new Keyv({
      namespace: 'app--one',
      sanitize: true,
      compression: {
        compress: async (text: string) => `compressed ${text}`,
        decompress: async (text: string) => text.slice('compressed '.length),
      },
    }),
  'a map, as objects': () => new Keyv({ serialization: false }),
}

for (const [name, open] of Object.entries(KEYVS)) {
  bridgeSuite(`createKeyvBackend on ${name}`, {
    createStore: (options) => createKeyvStore(open(), options),
    createBackend: (options) => createKeyvBackend(open(), { ...quiet, ...options }),
  })
}

/** The store of a Keyv, as an application may write one, that fails when it is told to. */
function createFailingStore() {
  const texts = new Map<string, unknown>()
  let failing = false
  const up = <T>(answer: T): T => {
    if (failing) throw new Error('no connection')
    return answer
  }
  return {
    fail: (on: boolean) => {
      failing = on
    },
    get: async (key: string) => up(texts.get(key)),
    set: async (key: string, value: unknown) => up(texts.set(key, value).has(key)),
    delete: async (key: string) => up(texts).delete(key),
    clear: async () => up(texts).clear(),
  }
}

describe('createKeyvBackend', () => {
  it.each([
    ['listens to its errors', (keyv: Keyv) => keyv.on('error', () => {})],
    ['does not listen to its errors', () => {}],
  ])('reports a store that fails as a fault when the application %s', async (_, prepare) => {
    const store = createFailingStore()
    const keyv = new Keyv({ store })
    prepare(keyv)
    const backend = createKeyvBackend(keyv, quiet)
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    store.fail(true)
    await expectOutage(backend, key)
    expect(await keyv.get('something else')).toBeUndefined()
    store.fail(false)
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a', version: 1 })
    expect(await backend.list('ann')).toHaveLength(1)
  })

  it('reports a value that cannot be decoded as a fault', async () => {
    const texts = new Map<string, { value: unknown }>()
    const backend = createKeyvBackend(new Keyv({ store: texts }), quiet)
    const key = await backend.generate({ value: 'a' })
    for (const entry of texts.values()) entry.value = '{"tell-tale'
    const error: unknown = await backend.get(key).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(BackendError)
  })

  it('cannot end all sessions of a store that does not list them, and says so', async () => {
    const backend = createKeyvBackend(new Keyv({ store: createFailingStore() }), quiet)
    const key = await backend.generate({ value: 'a' })
    const code = 'ERR_SESSION_UNSUPPORTED_OPERATION'
    await expect(backend.clearAll()).rejects.toMatchObject({ code })
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
    expect(await backend.sweep()).toBe(0)
  })

  it('keeps what others hold in the same Keyv, whatever it clears', async () => {
    const keyv = new Keyv()
    await keyv.set('page', 'theirs')
    const one = createKeyvBackend(keyv, { ...quiet, prefix: 'one-' })
    const two = createKeyvBackend(keyv, { ...quiet, prefix: 'two-' })
    await one.generate({ value: 'a', subject: 'ann' })
    const key = await two.generate({ value: 'b', subject: 'ann' })
    expect(await one.clearAll()).toBe(1)
    expect(await keyv.get('page')).toBe('theirs')
    expect(await two.get(key)).toMatchObject({ ok: true, value: 'b' })
    expect(await two.list('ann')).toHaveLength(1)
  })

  it('sweeps a map by itself, until it is closed', async () => {
    const clock = createTestClock()
    const texts = new Map<string, unknown>()
    const options = { now: clock.now, period: 60, absolute: 60, sweepEveryMs: 1 }
    const backend = createKeyvBackend(new Keyv({ store: texts }), options)
    await backend.generate({ value: 'a' })
    clock.advance(61)
    await expect.poll(() => texts.size, { interval: 1 }).toBe(0)
    backend.close()
    backend.close()
  })

  // Keyv 5, by the properties that tell it from others; of its failed reads it says nothing at all.
  it('refuses a Keyv that keeps faults to itself', () => {
    const silent = Object.assign(new Keyv(), { throwOnErrors: false })
    expect(() => createKeyvBackend(silent)).toThrow('"throwOnErrors: true"')
    const outspoken = Object.assign(new Keyv(), { throwOnErrors: true })
    expect(() => createKeyvBackend(outspoken, quiet)).not.toThrow()
    const quieter = Object.assign(new Keyv(), { opts: { emitErrors: false } })
    expect(() => createKeyvBackend(quieter)).toThrow('"emitErrors: false"')
  })

  it('refuses options that are not as described', () => {
    for (const prefix of ['a:', 'a b', '*', 'é']) {
      expect(() => createKeyvBackend(new Keyv(), { prefix })).toThrow(TypeError)
    }
    expect(() => createKeyvBackend(new Map() as never)).toThrow(TypeError)
    expect(() => createKeyvBackend(undefined as never)).toThrow(TypeError)
  })
})
