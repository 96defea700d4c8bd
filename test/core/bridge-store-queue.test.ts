import { describe, expect, it } from 'vitest'
import { createBridgeQueue, inBatches } from '../../src/core/bridge-queue.ts'

/** A step that ends when it is told to, and says when it has begun. */
function createStep<T>(answer: T) {
  let begin = (): void => {}
  let end = (): void => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const run = async (): Promise<T> => {
    begin()
    await ended
    return answer
  }
  return { run, begun, end }
}

describe('createBridgeQueue', () => {
  it('runs exclusive steps on one key in order, and those on others beside them', async () => {
    const queue = createBridgeQueue()
    const order: string[] = []
    const first = createStep('first')
    const one = queue.exclusive(['a'], first.run).then((name) => order.push(name))
    const two = queue.exclusive(['a'], async () => order.push('second'))
    await queue.exclusive(['b'], async () => order.push('other'))
    first.end()
    await Promise.all([one, two])
    expect(order).toEqual(['other', 'first', 'second'])
  })

  it('runs shared steps beside each other, and none beside an exclusive one', async () => {
    const queue = createBridgeQueue()
    const [one, two, three] = [createStep(1), createStep(2), createStep(3)]
    const reads = [queue.shared('a', one.run), queue.shared('a', two.run)]
    await Promise.all([one.begun, two.begun])
    let written = false
    const write = queue.exclusive(['a'], async () => {
      written = true
    })
    const late = queue.shared('a', async () => written)
    one.end()
    await reads[0]
    expect(written).toBe(false)
    two.end()
    await Promise.all([...reads, write])
    expect(await late).toBe(true)
    three.end()
  })

  it('takes its place on several keys at once, a key twice too', async () => {
    const queue = createBridgeQueue()
    const order: number[] = []
    const crossing = [['a', 'b'], ['b', 'a'], ['a', 'a'], ['b'], []]
    await Promise.all(
      crossing.map(async (keys, at) => queue.exclusive(keys, async () => order.push(at))),
    )
    expect(new Set(order)).toEqual(new Set([0, 1, 2, 3, 4]))
    expect(order.indexOf(0)).toBeLessThan(order.indexOf(1))
    expect(order.indexOf(1)).toBeLessThan(order.indexOf(2))
  })

  it('holds nothing of keys whose steps have ended, however they ended', async () => {
    const queue = createBridgeQueue()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 1000 }, async (_, at) => {
        const keys = [`key ${at}`, `key ${at % 7}`]
        const step = async () => (at % 3 === 0 ? Promise.reject(new Error('no')) : at)
        return at % 2 === 0 ? queue.exclusive(keys, step) : queue.shared(keys[0]!, step)
      }),
    )
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(334)
    expect(queue.size).toBe(0)
  })
})

describe('inBatches', () => {
  it('gives the results in order, and runs no more than 32 at once', async () => {
    let running = 0
    let most = 0
    const items = Array.from({ length: 100 }, (_, at) => at)
    const results = await inBatches(items, async (item) => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
      return item * 2
    })
    expect(results).toEqual(items.map((item) => item * 2))
    expect(most).toBe(32)
  })
})
