import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryBackend, createMemoryStore } from '../../src/backends/memory.ts'
import { BackendError } from '../../src/core/errors.ts'
import { generateKey } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { createTimeLimit } from '../../src/core/time-limit.ts'
import { settle } from './manual-clock.ts'

function never(): Promise<never> {
  return new Promise(() => {})
}

async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await settle()
  await settle()
}

describe('createTimeLimit', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => vi.useRealTimers())

  it('gives an answer that comes in time, at once or later', async () => {
    const limit = createTimeLimit(10)
    expect(await limit('at once')).toBe('at once')
    expect(vi.getTimerCount()).toBe(0)
    expect(await limit(Promise.resolve('soon'))).toBe('soon')
  })

  it('gives a fault as it is', async () => {
    const fault = new Error('down')
    await expect(createTimeLimit(10)(Promise.reject(fault))).rejects.toBe(fault)
  })

  it('rejects with a BackendError when the time is over, and not before', async () => {
    const settled = vi.fn<(error?: unknown) => void>()
    createTimeLimit(10)(never()).catch(settled)
    await pass(9)
    expect(settled).not.toHaveBeenCalled()
    await pass(1)
    expect(settled.mock.calls[0]?.[0]).toBeInstanceOf(BackendError)
    expect(String(settled.mock.calls[0]?.[0])).toBe(
      'BackendError: the backend gave no answer within 10 ms',
    )
  })

  it('gives each of many calls its own time, with one timer', async () => {
    const limit = createTimeLimit(10)
    const late: number[] = []
    const answers: ((value: string) => void)[] = []
    const answered: string[] = []
    for (let n = 0; n < 5; n++) {
      const answer = new Promise<string>((resolve) => answers.push(resolve))
      limit(answer).then(
        (value) => answered.push(value),
        () => late.push(n),
      )
      await pass(2)
    }
    // Asked for at 0, 2, 4, 6, 8; it is 10 now. One at the middle, one at the end of the line are answered.
    expect(late).toEqual([0])
    answers[2]?.('third')
    answers[4]?.('fifth')
    await pass(1)
    expect(vi.getTimerCount()).toBe(1)
    expect(late).toEqual([0])
    await pass(1)
    expect(late).toEqual([0, 1])
    await pass(20)
    expect(late).toEqual([0, 1, 3])
    expect(answered).toEqual(['third', 'fifth'])
    expect(vi.getTimerCount()).toBe(0)
    await expect(limit(Promise.resolve('again'))).resolves.toBe('again')
  })

  it('keeps the process alive for a call, and for nothing else', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const limit = createTimeLimit(10)
    let answer: () => void = () => {}
    const call = limit(new Promise<void>((resolve) => (answer = resolve)))
    const timer = timers.mock.results[0]?.value as NodeJS.Timeout
    expect(timer.hasRef()).toBe(true)
    answer()
    await call
    expect(timer.hasRef()).toBe(false)
    const again = limit(new Promise<void>((resolve) => (answer = resolve)))
    expect(timer.hasRef()).toBe(true)
    answer()
    await again
    expect(timers).toHaveBeenCalledTimes(1)
    timers.mockRestore()
  })

  it('drops a fault that comes too late', async () => {
    let fail: (error: Error) => void = () => {}
    const late = new Promise<never>((_, reject) => (fail = reject))
    const limited = createTimeLimit(10)(late).catch(String)
    await pass(10)
    expect(await limited).toContain('within 10 ms')
    fail(new Error('late'))
    await settle()
  })

  it('takes an answer that waited while the event loop was busy', async () => {
    const limited = createTimeLimit(10)(
      new Promise((resolve) => setImmediate(() => resolve('in time'))),
    )
    vi.advanceTimersByTime(10)
    expect(await limited).toBe('in time')
  })
})

describe('createBackend with timeoutMs', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
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

  it('is described where it holds: a backend in memory answers within the call', async () => {
    const policy = { timeoutMs: 50 }
    expect(createBackend(createMemoryStore(), policy).describePolicy()).toMatchObject(policy)
    const memory = createMemoryBackend({ ...policy, sweepEveryMs: 0 })
    expect(memory.describePolicy()).not.toHaveProperty('timeoutMs')
    expect(() => createMemoryBackend({ timeoutMs: 0 })).toThrow(RangeError)
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
