import { describe, expect, it } from 'vitest'
import { createRequest } from './fixture.ts'

describe('writes of one request that are asked for at once', () => {
  it.each(['found', 'no_cookie'] as const)('are made in that order (%s)', async (state) => {
    const { request } = await createRequest(state)
    await request.loadOrCreate(0)
    const order: string[] = []
    const first = request.set(10)
    const second = request.update((value) => {
      order.push('update')
      return (value as number) + 1
    })
    order.push('asked')
    await Promise.all([first, second])
    expect(order).toEqual(['asked', 'update'])
    expect((await request.load())?.value).toBe(11)
  })

  it('are made in that order where the first is a rotation', async () => {
    const { request, key } = await createRequest('found')
    const session = await request.load()
    const seen: unknown[] = []
    await Promise.all([
      request.rotate(),
      request.update(() => void seen.push(session?.key === key)),
    ])
    expect(seen).toEqual([false])
  })
})
