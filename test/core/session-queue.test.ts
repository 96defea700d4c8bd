import { describe, expect, it } from 'vitest'
import { generateKey } from '../../src/core/key.ts'
import type { SessionState } from '../../src/core/session.ts'
import { clearState, queueWrite, Turn } from '../../src/core/session.ts'
import { createManualClock, settle } from './manual-clock.ts'

const GONE = { code: 'ERR_SESSION_GONE', message: 'the session was cleared' }
const LATE = {
  code: 'ERR_SESSION_CONFLICT',
  message: 'an earlier write on this session object has not finished',
}

/** A write that finishes when it is told to. */
interface Gate {
  readonly write: () => Promise<string>
  readonly finish: (result: string) => void
  readonly fail: (error: Error) => void
}

function create() {
  const state: SessionState<unknown> = {
    key: generateKey(),
    text: '1',
    decoded: undefined,
    expiryPeriod: 60,
    modified: false,
    version: 1,
    facts: undefined,
    factsAtMs: 0,
    touchDue: undefined,
    renewal: undefined,
    decode: JSON.parse,
    shown: false,
    lastWrite: undefined,
  }
  const clock = createManualClock()
  const log: string[] = []
  const queue = async <T>(write: () => T | Promise<T>): Promise<T> =>
    queueWrite(state, { clock, timeoutMs: 10 }, write)
  const gate = (name: string): Gate => {
    let finish: Gate['finish'] = () => {}
    let fail: Gate['fail'] = () => {}
    const done = new Promise<string>((resolve, reject) => {
      finish = resolve
      fail = reject
    })
    const write = (): Promise<string> => {
      log.push(name)
      return done
    }
    return { write, finish, fail }
  }
  return { state, clock, log, queue, gate }
}

describe('queueWrite', () => {
  it('starts the first write at once, without a timer', async () => {
    const { clock, log, queue, gate } = create()
    const first = gate('first')
    const done = queue(first.write)
    expect(log).toEqual(['first'])
    expect(clock.slept).toEqual([])
    first.finish('result')
    expect(await done).toBe('result')
  })

  it('starts each write when the one before has finished, in the order of the calls', async () => {
    const { log, queue, gate } = create()
    const gates = ['first', 'second', 'third'].map(gate)
    const done = gates.map(({ write }) => queue(write))
    await settle()
    expect(log).toEqual(['first'])
    gates[0]?.finish('a')
    await settle()
    expect(log).toEqual(['first', 'second'])
    gates[2]?.finish('c')
    await settle()
    expect(log).toEqual(['first', 'second'])
    gates[1]?.finish('b')
    expect(await Promise.all(done)).toEqual(['a', 'b', 'c'])
    expect(log).toEqual(['first', 'second', 'third'])
  })

  it('goes on after a write that fails, and fails no other', async () => {
    const { queue, gate } = create()
    const first = gate('first')
    const second = gate('second')
    const failed = queue(first.write)
    const done = queue(second.write)
    first.fail(new Error('down'))
    second.finish('fine')
    await expect(failed).rejects.toThrow('down')
    expect(await done).toBe('fine')
  })

  it('forgets its line once it is empty', async () => {
    const { state, queue, gate } = create()
    const first = gate('first')
    const done = queue(first.write)
    expect(state.lastWrite).toBeInstanceOf(Turn)
    first.finish('a')
    await done
    await settle()
    expect(state.lastWrite).toBeUndefined()
  })

  it('keeps its line while a later write waits', async () => {
    const { state, queue, gate } = create()
    const [first, second] = [gate('first'), gate('second')]
    void queue(first.write)
    const done = queue(second.write)
    const line = state.lastWrite
    first.finish('a')
    await settle()
    expect(state.lastWrite).toBe(line)
    second.finish('b')
    await done
    await settle()
    expect(state.lastWrite).toBeUndefined()
  })

  it('ends at once what answers at once, and what throws', async () => {
    const { state } = create()
    const limits = { clock: createManualClock(), timeoutMs: 10 }
    expect(queueWrite(state, limits, () => 'at once')).toBe('at once')
    expect(state.lastWrite).toBeUndefined()
    const failing = (): never => {
      throw new Error('down')
    }
    expect(() => queueWrite(state, limits, failing)).toThrow('down')
    expect(state.lastWrite).toBeUndefined()
  })

  it('lets a write that is asked for within another wait for its end, though that answers at once', async () => {
    const { log, queue } = create()
    let inner: Promise<unknown> = Promise.resolve()
    await queue(() => {
      inner = queue(() => log.push('inner'))
      log.push('outer')
    })
    await inner
    expect(log).toEqual(['outer', 'inner'])
  })

  it('refuses to start on a cleared session', async () => {
    const { state, log, queue, gate } = create()
    clearState(state)
    await expect(queue(gate('first').write)).rejects.toMatchObject(GONE)
    expect(log).toEqual([])
  })

  it('refuses what was waiting when the session was cleared', async () => {
    const { state, log, queue, gate } = create()
    const first = gate('first')
    const running = queue(first.write)
    const waiting = queue(gate('second').write)
    clearState(state)
    first.finish('a')
    expect(await running).toBe('a')
    await expect(waiting).rejects.toMatchObject(GONE)
    expect(log).toEqual(['first'])
  })

  it('gives up a turn that does not come in time', async () => {
    const { clock, log, queue, gate } = create()
    const first = gate('first')
    const running = queue(first.write)
    const waiting = queue(gate('second').write)
    waiting.catch(() => {})
    expect(clock.slept).toEqual([10])
    await clock.advance(9)
    expect(clock.waiting()).toBe(1)
    await clock.advance(1)
    await expect(waiting).rejects.toMatchObject(LATE)
    first.finish('a')
    expect(await running).toBe('a')
    await settle()
    expect(log).toEqual(['first'])
  })

  it('lets nobody past the write at its head after another has given up waiting', async () => {
    const { clock, log, queue, gate } = create()
    const [first, third] = [gate('first'), gate('third')]
    const running = queue(first.write)
    const second = queue(gate('second').write)
    second.catch(() => {})
    await clock.advance(10)
    const done = queue(third.write)
    await settle()
    expect(log).toEqual(['first'])
    first.finish('a')
    third.finish('c')
    expect(await Promise.all([running, done])).toEqual(['a', 'c'])
    expect(log).toEqual(['first', 'third'])
    await expect(second).rejects.toMatchObject(LATE)
  })

  it('leaves no timer behind when the turn comes in time', async () => {
    const { clock, queue, gate } = create()
    const [first, second] = [gate('first'), gate('second')]
    void queue(first.write)
    const done = queue(second.write)
    expect(clock.waiting()).toBe(1)
    first.finish('a')
    second.finish('b')
    await done
    expect(clock.waiting()).toBe(0)
  })

  it('ends a write that waits for one after it', async () => {
    const { clock, queue } = create()
    let inner: Promise<void> = Promise.resolve()
    const outer = queue(async () => {
      await settle()
      inner = queue(async () => {})
      await inner
    })
    outer.catch(() => {})
    await settle()
    await clock.advance(10)
    await expect(outer).rejects.toMatchObject(LATE)
    await expect(inner).rejects.toMatchObject(LATE)
  })
})
