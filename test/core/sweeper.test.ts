import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { onSessionEvent } from '../../src/core/events.ts'
import type { Store } from '../../src/core/store.ts'
import { startSweeper } from '../../src/core/sweeper.ts'
import { settle } from './manual-clock.ts'

function countingStore(run: () => number | Promise<number> = () => 0) {
  const limits: number[] = []
  const store: Pick<Store, 'sweep'> = {
    sweep: (limit) => {
      limits.push(limit)
      return run()
    },
  }
  return { store, limits }
}

async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await settle()
}

describe('startSweeper', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    // The middle of the jitter.
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('makes a step of 1,000 records each second by default', async () => {
    const { store, limits } = countingStore()
    const stop = startSweeper(store, {})
    expect(limits).toEqual([])
    await pass(999)
    expect(limits).toEqual([])
    await pass(1)
    expect(limits).toEqual([1000])
    await pass(1000)
    expect(limits).toEqual([1000, 1000])
    stop()
  })

  it('goes by its options', async () => {
    const { store, limits } = countingStore()
    const stop = startSweeper(store, { sweepEveryMs: 10, sweepLimit: 1 })
    for (let n = 0; n < 3; n++) await pass(10)
    expect(limits).toEqual([1, 1, 1])
    stop()
  })

  it('sweeps no more once it is stopped, and may be stopped again', async () => {
    const { store, limits } = countingStore()
    const stop = startSweeper(store, {})
    await pass(1000)
    stop()
    stop()
    expect(vi.getTimerCount()).toBe(0)
    await pass(10_000)
    expect(limits).toHaveLength(1)
  })

  it.each([
    [0, 750],
    [1, 1250],
  ])('waits a quarter less or more: random %d gives %d ms', async (random, delayMs) => {
    vi.mocked(Math.random).mockReturnValue(random)
    const { store, limits } = countingStore()
    const stop = startSweeper(store, {})
    await pass(delayMs - 1)
    expect(limits).toHaveLength(0)
    await pass(1)
    expect(limits).toHaveLength(1)
    stop()
  })

  it('comes back after a tenth of the time when a step was full', async () => {
    const removed = [5, 5, 4, 0]
    const { store, limits } = countingStore(() => removed.shift() ?? 0)
    const stop = startSweeper(store, { sweepLimit: 5 })
    await pass(1000)
    for (let n = 0; n < 2; n++) await pass(100)
    expect(limits).toHaveLength(3)
    await pass(999)
    expect(limits).toHaveLength(3)
    await pass(1)
    expect(limits).toHaveLength(4)
    stop()
  })

  it('ends when its signal is aborted, before, between and during steps', async () => {
    const { store, limits } = countingStore()
    startSweeper(store, { signal: AbortSignal.abort() })
    expect(vi.getTimerCount()).toBe(0)
    const between = new AbortController()
    startSweeper(store, { signal: between.signal })
    await pass(1000)
    between.abort()
    expect(vi.getTimerCount()).toBe(0)
    const during = new AbortController()
    const aborting = countingStore(() => {
      during.abort()
      return 0
    })
    startSweeper(aborting.store, { signal: during.signal })
    await pass(1000)
    expect(vi.getTimerCount()).toBe(0)
    expect([limits.length, aborting.limits.length]).toEqual([1, 1])
  })

  it('leaves no listener on the signal when it is stopped', () => {
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    startSweeper(countingStore().store, { signal })()
    expect(removed).toHaveBeenCalledWith('abort', expect.any(Function))
  })

  it('never sweeps with an interval of 0', async () => {
    const { store, limits } = countingStore()
    const stop = startSweeper(store, { sweepEveryMs: 0 })
    expect(vi.getTimerCount()).toBe(0)
    await pass(10_000)
    expect(limits).toEqual([])
    expect(stop()).toBeUndefined()
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
  ])('goes on after a step that %s', async (_, run: () => Promise<number>) => {
    const { store, limits } = countingStore(run)
    const stop = startSweeper(store, {})
    for (let n = 0; n < 3; n++) await pass(1000)
    expect(limits).toHaveLength(3)
    stop()
  })

  it('starts no step while one is under way, and goes on after it', async () => {
    let finish: (removed: number) => void = () => {}
    const { store, limits } = countingStore(() => new Promise((resolve) => (finish = resolve)))
    const stop = startSweeper(store, {})
    for (let n = 0; n < 5; n++) await pass(1000)
    expect(limits).toHaveLength(1)
    finish(0)
    await settle()
    await pass(1000)
    expect(limits).toHaveLength(2)
    stop()
  })

  it('tells how many each step has removed, and which one failed', async () => {
    const heard: unknown[] = []
    const stops = [
      onSessionEvent('sojourn:store.swept', (event) => heard.push(event)),
      onSessionEvent('sojourn:store.fault', (event) => heard.push(event)),
    ]
    const outcomes = [() => 3, () => 0, () => Promise.reject(new Error('down'))]
    const stop = startSweeper(countingStore(() => outcomes.shift()?.() ?? 0).store, {})
    for (let n = 0; n < 4; n++) await pass(1000)
    stop()
    for (const stopListening of stops) stopListening()
    expect(heard).toEqual([
      { removed: 3, durationMs: expect.any(Number) },
      { operation: 'sweep', message: 'the backend failed to sweep', causeCode: undefined },
    ])
  })

  it.each([-1, 0.5, NaN, Infinity, 2 ** 31, '1000', null])(
    'refuses an interval of %s',
    (sweepEveryMs) => {
      const start = () =>
        startSweeper(countingStore().store, { sweepEveryMs: sweepEveryMs as number })
      expect(start).toThrow(RangeError)
      expect(start).toThrow('"sweepEveryMs" must be a whole number of milliseconds')
    },
  )

  it.each([0, -1, 0.5, NaN, Infinity, '5', null])('refuses a limit of %s', (sweepLimit) => {
    const start = () => startSweeper(countingStore().store, { sweepLimit: sweepLimit as number })
    expect(start).toThrow(RangeError)
    expect(start).toThrow('"sweepLimit" must be a whole number of at least 1')
  })

  it('checks the limit of a sweeper that is turned off too', () => {
    const start = () => startSweeper(countingStore().store, { sweepEveryMs: 0, sweepLimit: 0 })
    expect(start).toThrow(RangeError)
  })

  it('accepts the longest interval a timer has', () => {
    const stop = startSweeper(countingStore().store, { sweepEveryMs: 2 ** 31 - 1 })
    expect(vi.getTimerCount()).toBe(1)
    stop()
  })
})

describe('the timer of startSweeper', () => {
  it('keeps no process alive', () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const stop = startSweeper(countingStore().store, {})
    const timer = timers.mock.results[0]?.value as NodeJS.Timeout
    expect(timer.hasRef()).toBe(false)
    stop()
    timers.mockRestore()
  })
})
