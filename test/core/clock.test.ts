import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { settle } from './manual-clock.ts'

describe('systemClock', () => {
  describe('now', () => {
    it('is monotonic milliseconds, not epoch time', () => {
      const before = performance.now()
      const shown = systemClock.now()
      const after = performance.now()
      expect(shown).toBeGreaterThanOrEqual(before)
      expect(shown).toBeLessThanOrEqual(after)
    })
  })

  describe('sleep', () => {
    beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
    afterEach(() => vi.useRealTimers())

    it('resolves after the time asked for, and not before', async () => {
      let awake = false
      void systemClock.sleep(100).then(() => (awake = true))
      vi.advanceTimersByTime(99)
      await settle()
      expect(awake).toBe(false)
      vi.advanceTimersByTime(1)
      await settle()
      expect(awake).toBe(true)
    })

    it('resolves at once when its signal is aborted, and leaves no timer behind', async () => {
      const controller = new AbortController()
      const sleeping = systemClock.sleep(100, controller.signal)
      expect(vi.getTimerCount()).toBe(1)
      controller.abort()
      await sleeping
      expect(vi.getTimerCount()).toBe(0)
    })

    it('resolves at once, without a timer, when its signal was aborted before', async () => {
      await systemClock.sleep(100, AbortSignal.abort())
      expect(vi.getTimerCount()).toBe(0)
    })

    it('waits out its time under a signal that nobody aborts', async () => {
      const { signal } = new AbortController()
      const sleeping = systemClock.sleep(5, signal)
      vi.advanceTimersByTime(5)
      await sleeping
      expect(vi.getTimerCount()).toBe(0)
    })
  })
})
