import { afterEach, describe, expect, it, vi } from 'vitest'
import { createGather } from '../../src/core/gather.ts'
import type { AskMany } from '../../src/core/gather.ts'
import { createTimeLimit } from '../../src/core/time-limit.ts'

interface Question {
  readonly names: readonly string[]
  readonly answer: (answers: readonly (string | Promise<string>)[]) => void
  readonly fail: (error: Error) => void
}

/** A gather whose questions are answered by hand. */
function openGather({ flights = 2, most = 3, timeoutMs = 60_000, apart = false } = {}) {
  const questions: Question[] = []
  const askMany: AskMany<string> = (names) =>
    new Promise((answer, fail) => questions.push({ names, answer, fail }))
  const ask = createGather(askMany, { flights, most, within: createTimeLimit(timeoutMs), apart })
  const asked = () => questions.map(({ names }) => names.join(''))
  return { ask, questions, asked }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

afterEach(() => void vi.useRealTimers())

describe('createGather', () => {
  it('asks for what is asked for in one go by one question, before anything else happens', async () => {
    const { ask, questions, asked } = openGather()
    const answers = Promise.all([ask('a'), ask('b')])
    await Promise.resolve()
    expect(asked()).toEqual(['ab'])
    questions[0]?.answer(['A', 'B'])
    expect(await answers).toEqual(['A', 'B'])
  })

  it('keeps a question within its bound', async () => {
    const { ask, asked } = openGather({ flights: 9 })
    for (const name of 'abcdefg') void ask(name)
    await settled()
    expect(asked()).toEqual(['abc', 'def', 'g'])
  })

  it('lets wait what is beyond the questions on their way, and asks for it by one when one lands', async () => {
    const { ask, questions, asked } = openGather()
    for (const name of 'abc') {
      void ask(name)
      await settled()
    }
    const last = ask('d')
    expect(asked()).toEqual(['a', 'b'])
    questions[1]?.answer(['B'])
    await settled()
    expect(asked()).toEqual(['a', 'b', 'cd'])
    questions[2]?.answer(['C', 'D'])
    expect(await last).toBe('D')
  })

  it('sends no more questions than may be on their way, however much is asked for in one go', async () => {
    const { ask, questions, asked } = openGather()
    for (const name of 'abcdefghi') void ask(name)
    await settled()
    expect(asked()).toEqual(['abc', 'def'])
    questions[0]?.answer(['A', 'B', 'C'])
    await settled()
    expect(asked()).toEqual(['abc', 'def', 'ghi'])
  })

  it('sends the last of several questions in the next turn where that is asked for, so that their answers come apart', async () => {
    const { ask, asked } = openGather({ flights: 9, apart: true })
    for (const name of 'abcdefgh') void ask(name)
    await Promise.resolve()
    expect(asked()).toEqual(['abc', 'def'])
    void ask('i')
    await Promise.resolve()
    expect(asked()).toEqual(['abc', 'def'])
    await settled()
    expect(asked()).toEqual(['abc', 'def', 'ghi'])
  })

  it('lets no more wait for a turn than one question takes, however long turns are', async () => {
    let most = 0
    let open = 0
    const ask = createGather(
      async (names: readonly string[]) => {
        await settled()
        open -= names.length
        return names
      },
      { flights: 4, most: 8, within: createTimeLimit(60_000), apart: true },
    )
    for (let turn = 0; turn < 50; turn++) {
      for (let n = 0; n < 20; n++) {
        open++
        void ask(`${n}`)
      }
      await settled()
      most = Math.max(most, open)
    }
    expect(most).toBeLessThan(60)
  })

  it('goes on whatever timers a test has put in the place of its own', async () => {
    const { ask, questions } = openGather({ most: 1, apart: true })
    vi.useFakeTimers()
    const answers = Promise.all([ask('a'), ask('b')])
    await Promise.resolve()
    await Promise.resolve()
    vi.useRealTimers()
    await settled()
    questions[0]?.answer(['A'])
    questions[1]?.answer(['B'])
    expect(await answers).toEqual(['A', 'B'])
  })

  it('never gives an answer to who asked after the question was sent', async () => {
    const { ask, questions, asked } = openGather({ flights: 1 })
    const first = ask('a')
    await settled()
    const second = ask('a')
    questions[0]?.answer(['before'])
    expect(await first).toBe('before')
    await settled()
    expect(asked()).toEqual(['a', 'a'])
    questions[1]?.answer(['after'])
    expect(await second).toBe('after')
  })

  it('fails all of a question that fails, and goes on', async () => {
    const { ask, questions } = openGather({ flights: 1 })
    const failing = Promise.allSettled([ask('a'), ask('b')])
    await settled()
    const next = ask('c')
    questions[0]?.fail(new Error('down'))
    expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await settled()
    questions[1]?.answer(['C'])
    expect(await next).toBe('C')
  })

  it('fails one answer that fails for itself', async () => {
    const { ask, questions } = openGather()
    const [one, other] = [ask('a'), ask('b')]
    one.catch(() => {})
    await settled()
    questions[0]?.answer([Promise.reject(new Error('too large')), 'B'])
    await expect(one).rejects.toThrow('too large')
    expect(await other).toBe('B')
  })

  it('gives an answer that needs more time what the question has left', async () => {
    vi.useFakeTimers()
    const { ask, questions } = openGather({ timeoutMs: 10 })
    let ended = ''
    ask('a').catch((error: unknown) => (ended = String(error)))
    const other = ask('b')
    await vi.advanceTimersByTimeAsync(6)
    questions[0]?.answer([new Promise(() => {}), Promise.resolve('B')])
    expect(await other).toBe('B')
    await vi.advanceTimersByTimeAsync(3)
    expect(ended).toBe('')
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toBe('BackendError: the backend gave no answer within 10 ms')
    await vi.advanceTimersByTimeAsync(20)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects where there is not an answer to each', async () => {
    const { ask, questions } = openGather()
    const answers = Promise.allSettled([ask('a'), ask('b')])
    await settled()
    questions[0]?.answer([Promise.reject(new Error('too large'))])
    for (const each of await answers) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'ERR_SESSION_BACKEND' } })
    }
  })

  it('gives up a question that is never answered, and its place', async () => {
    vi.useFakeTimers()
    const { ask, questions } = openGather({ flights: 1, timeoutMs: 10 })
    const never = ask('a')
    never.catch(() => {})
    await vi.advanceTimersByTimeAsync(5)
    const next = ask('b')
    next.catch(() => {})
    await vi.advanceTimersByTimeAsync(6)
    await expect(never).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    expect(questions).toHaveLength(2)
  })

  it('asks for nothing that has waited for as long as one may take: nobody does any more', async () => {
    vi.useFakeTimers()
    const { ask, asked } = openGather({ flights: 1, most: 2, timeoutMs: 10 })
    const outcomes = Promise.allSettled('abcd'.split('').map(ask))
    await vi.advanceTimersByTimeAsync(6)
    const later = Promise.allSettled('efgh'.split('').map(ask))
    await vi.advanceTimersByTimeAsync(5)
    // The first ones hung. Two of the others had come with them, and the next ones had not.
    expect(asked()).toEqual(['ab', 'ef'])
    expect(await outcomes).toMatchObject(
      Array.from({ length: 4 }, () => ({ reason: { code: 'ERR_SESSION_BACKEND' } })),
    )
    await vi.advanceTimersByTimeAsync(6)
    expect((await later).map(({ status }) => status)).toEqual(Array(4).fill('rejected'))
    // Their flight has as long as any, and keeps its place until it is over.
    await vi.advanceTimersByTimeAsync(5)
    void ask('i')
    await vi.advanceTimersByTimeAsync(0)
    expect(asked()).toEqual(['ab', 'ef', 'i'])
  })

  it('gives up what has had to wait when its own time is over, on its way or not', async () => {
    vi.useFakeTimers()
    const unhandled: unknown[] = []
    const listener = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', listener)
    const { ask, questions, asked } = openGather({ flights: 1, most: 1, timeoutMs: 10 })
    const outcomes = 'abc'.split('').map((name) => {
      const outcome = { at: 0, status: 'none' }
      const end = (status: string) => () => Object.assign(outcome, { at: Date.now(), status })
      ask(name).then(end('fulfilled'), end('rejected'))
      return outcome
    })
    const began = Date.now()
    await vi.advanceTimersByTimeAsync(8)
    questions[0]?.answer(['A'])
    await vi.advanceTimersByTimeAsync(1)
    expect(asked()).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(3)
    // After 10 ms, and what the sockets have had by then is read before.
    expect(outcomes.map(({ status, at }) => [status, at - began])).toEqual([
      ['fulfilled', 8],
      ['rejected', 11],
      ['rejected', 11],
    ])
    // Its flight has time left, and its answer comes too late for it.
    questions[1]?.answer([Promise.reject(new Error('too large'))])
    await vi.advanceTimersByTimeAsync(1)
    expect(asked()).toEqual(['a', 'b'])
    vi.useRealTimers()
    await settled()
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  it('drops an answer that comes too late, also one that fails for itself', async () => {
    const unhandled: unknown[] = []
    const listener = (error: unknown) => unhandled.push(error)
    const { ask, questions } = openGather({ timeoutMs: 1 })
    await expect(ask('a')).rejects.toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    process.on('unhandledRejection', listener)
    questions[0]?.answer([Promise.reject(new Error('too large'))])
    await settled()
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })
})
