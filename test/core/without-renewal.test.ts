import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMemoryBackend, createMemoryStore } from '../../src/backends/memory.ts'
import { onSessionEvent } from '../../src/core/events.ts'
import { generateSuccessor, handleOf, secretHashOf } from '../../src/core/key.ts'
import { createBackend, createSessionManager } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/clock.ts'

const FAULT = {
  code: 'ERR_SESSION_BACKEND',
  message: 'a module could not be loaded',
}

vi.mock('../../src/core/lifecycle/renewal.ts', () => {
  throw new Error('there is no such chunk')
})

/** A session that has been renewed elsewhere, whose old key is good for `graceMs` or until the new one is seen. */
async function createRenewed(graceMs: number | null) {
  const clock = createTestClock()
  const store = createMemoryStore(clock.now)
  const backend = createBackend(store, { onReuse: 'end' })
  const old = await backend.generate({ value: 'a' })
  const [handle, key] = [handleOf(old), generateSuccessor(handleOf(old))]
  const previous = { hash: secretHashOf(old), graceMs }
  await store.updateSecurity(handle, { secretHash: secretHashOf(key), previous }, 1)
  return { clock, store, backend, handle, old, key }
}

describe('where the code for renewal does not come', () => {
  it('what needs it is a fault, and all else goes on', async () => {
    const renewing = createSessionManager<string>({
      backend: createMemoryBackend({ renewAfter: 90 }),
    })
    const { key } = await renewing.generate('a')
    await expect(renewing.fromKey(key)).rejects.toMatchObject(FAULT)
    const sessions = createSessionManager<string>({ backend: createMemoryBackend() })
    const session = await sessions.generate('a')
    await expect(sessions.renew(session)).rejects.toMatchObject(FAULT)
    expect(await sessions.fromKey(session.key)).toMatchObject({ ok: true, session: { value: 'a' } })
  })

  it('a session that has been renewed is not lost', async () => {
    const { store, backend, handle, old, key } = await createRenewed(null)
    await expect(backend.get(key)).rejects.toMatchObject(FAULT)
    await expect(backend.get(old)).rejects.toMatchObject(FAULT)
    expect(await store.read(handle)).toMatchObject({ value: 'a', securityVersion: 2 })
  })

  it('an old key that comes back after its grace is told, and ends the session', async () => {
    const { clock, store, backend, handle, old } = await createRenewed(1000)
    const told = vi.fn<(event: unknown) => void>()
    onTestFinished(onSessionEvent('sojourn:key.reused', told))
    clock.advance(1)
    expect(await backend.get(old)).toEqual({ ok: false, reason: 'not_found' })
    expect(told).toHaveBeenCalledWith({ handle, subject: undefined, ended: true })
    expect(await store.read(handle)).toBeUndefined()
  })
})
