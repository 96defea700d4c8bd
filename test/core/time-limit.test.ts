import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { BackendError } from '../../src/core/errors.ts'
import { generateKey } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { withTimeLimit } from '../../src/core/time-limit.ts'
import { settle } from './manual-clock.ts'

function never(): Promise<never> {
  return new Promise(() => {})
}

async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await settle()
  await settle()
}

describe('withTimeLimit', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => vi.useRealTimers())

  it('gives an answer that comes in time, and leaves no timer', async () => {
    expect(await withTimeLimit('at once', 10)).toBe('at once')
    expect(await withTimeLimit(Promise.resolve('soon'), 10)).toBe('soon')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives a fault as it is', async () => {
    const fault = new Error('down')
    await expect(withTimeLimit(Promise.reject(fault), 10)).rejects.toBe(fault)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects with a BackendError when the time is over, and not before', async () => {
    const settled = vi.fn<(error?: unknown) => void>()
    withTimeLimit(never(), 10).catch(settled)
    await pass(9)
    expect(settled).not.toHaveBeenCalled()
    await pass(1)
    expect(settled.mock.calls[0]?.[0]).toBeInstanceOf(BackendError)
    expect(String(settled.mock.calls[0]?.[0])).toBe(
      'BackendError: the backend gave no answer within 10 ms',
    )
  })

  it('drops a fault that comes too late', async () => {
    let fail: (error: Error) => void = () => {}
    const late = new Promise<never>((_, reject) => (fail = reject))
    const limited = withTimeLimit(late, 10).catch(String)
    await pass(10)
    expect(await limited).toContain('within 10 ms')
    fail(new Error('late'))
    await settle()
  })

  it('takes an answer that waited while the event loop was busy', async () => {
    const limited = withTimeLimit(
      new Promise((resolve) => setImmediate(() => resolve('in time'))),
      10,
    )
    vi.advanceTimersByTime(10)
    expect(await limited).toBe('in time')
  })
})

describe('createBackend with timeoutMs', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => vi.useRealTimers())

  it('gives up on a store that hangs', async () => {
    const store = { ...createMemoryStore(), read: never, deleteAll: never }
    const backend = createBackend(store, { timeoutMs: 50 })
    const reading = backend.get(generateKey()).catch((error: unknown) => error)
    await pass(50)
    expect(await reading).toMatchObject({
      code: 'ERR_SESSION_BACKEND',
      message: 'the backend gave no answer within 50 ms',
    })
    const clearing = backend.clearAll().catch(String)
    await pass(3000)
    expect(await clearing).toContain('within 3000 ms')
  })

  it('starts no timer without it', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    await createBackend(createMemoryStore()).generate()
    expect(timers).not.toHaveBeenCalled()
    timers.mockRestore()
  })

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 31, '5'])('refuses %s', (timeoutMs) => {
    const make = () => createBackend(createMemoryStore(), { timeoutMs: timeoutMs as number })
    expect(make).toThrow(RangeError)
    expect(make).toThrow('"timeoutMs" must be a whole number of milliseconds')
  })
})
