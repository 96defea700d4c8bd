import { describe, expect, it } from 'vitest'
import { callAtOnce, promised, whenDone } from '../../src/core/awaitable.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createSessionManager } from '../../src/manager.ts'

describe('whenDone', () => {
  it('goes on at once with what is there, and later with a promise', async () => {
    const next = (value: number): number => value + 1
    expect(whenDone(1, next)).toBe(2)
    const later = whenDone(Promise.resolve(1), next)
    expect(later).toBeInstanceOf(Promise)
    expect(await later).toBe(2)
  })
})

describe('promised and callAtOnce', () => {
  const fail = (): never => {
    throw new Error('down')
  }

  it('give a promise to everyone, and the answer at once to who asks for it', async () => {
    const of = { add: promised((a: number, b: number) => a + b), fail: promised(fail) }
    expect(of.add(1, 2)).toBeInstanceOf(Promise)
    expect(callAtOnce(of, 'add', 1, 2)).toBe(3)
    await expect(of.fail()).rejects.toThrow('down')
    expect(() => callAtOnce(of, 'fail')).toThrow('down')
  })

  it('call any other method as the method that it is', () => {
    const of = {
      count: 0,
      next(by: number): number {
        this.count += by
        return this.count
      },
    }
    expect(callAtOnce(of, 'next', 2)).toBe(2)
    expect(of.count).toBe(2)
  })

  it.each(['a wrapper', 'a wrapper with all properties of what it wraps'])(
    'pass over no %s of a backend',
    async (kind) => {
      const backend = createMemoryBackend()
      const inner = { ...backend }
      const asked: string[] = []
      const wrapper: typeof backend.get = (key, options) => {
        asked.push(key)
        return inner.get(key, options)
      }
      const taken: unknown = kind === 'a wrapper' ? {} : Reflect.get(backend, 'get')
      Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(taken))
      backend.get = wrapper
      const sessions = createSessionManager<number>({ backend })
      const { key } = await sessions.generate(1)
      expect((await sessions.fromKey(key)).ok).toBe(true)
      expect(asked).toStrictEqual([key])
    },
  )
})
