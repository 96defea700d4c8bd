import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { generateKey, handleOf } from '../../src/core/key.ts'
import type { Store } from '../../src/core/store.ts'
import { spyOn } from './spy-store.ts'

// Operation of the backend, operation of the store under it, what it failed to do.
const FAULTS = [
  ['generate', 'create', 'create a session'],
  ['get', 'read', 'read a session'],
  ['set', 'update', 'set a session'],
  ['clear', 'delete', 'clear a session'],
  ['touch', 'touch', 'touch a session'],
  ['rotate', 'updateSecurity', 'rotate a session'],
  ['list', 'list', 'list sessions'],
  ['clearHandle', 'delete', 'clear a session'],
  ['clearSubject', 'deleteSubject', "clear a subject's sessions"],
  ['clearAll', 'deleteAll', 'clear all sessions'],
  ['sweep', 'sweep', 'sweep'],
] as const

describe.each(FAULTS)('%s', (operation, under, task) => {
  const key = generateKey()
  const runs = (store: Store): Record<(typeof FAULTS)[number][0], () => Promise<unknown>> => {
    const backend = createBackend(store)
    return {
      generate: () => backend.generate(),
      get: () => backend.get(key),
      set: () => backend.set(key, 'a'),
      clear: () => backend.clear(key),
      touch: () => backend.touch(key, { fromMs: 0, toMs: 1, period: 1 }),
      rotate: () => backend.rotate(key, 1, { extra: {} }),
      list: () => backend.list('ann'),
      clearHandle: () => backend.clearHandle(handleOf(key)),
      clearSubject: () => backend.clearSubject('ann'),
      clearAll: () => backend.clearAll(),
      sweep: () => backend.sweep(),
    }
  }
  const fault = new Error('connection refused')

  it.each([
    [
      'throws',
      () => {
        throw fault
      },
    ],
    ['rejects', () => Promise.reject(fault)],
  ] as const)('is a BackendError with its cause when the store %s', async (_, fail) => {
    const store = spyOn(createMemoryStore(), { [under]: fail })
    await expect(runs(store)[operation]()).rejects.toMatchObject({
      code: 'ERR_SESSION_BACKEND',
      message: `the backend failed to ${task}`,
      cause: fault,
    })
    expect(store.calls).toEqual([under])
  })
})

describe('faults between two steps', () => {
  it('reports the second read of a rotation', async () => {
    const fault = new Error('down')
    const store = spyOn(createMemoryStore(), {
      updateSecurity: () => ({ ok: false, reason: 'conflict' }),
      read: () => Promise.reject(fault),
    })
    await expect(
      createBackend(store).rotate(generateKey(), 1, { extra: {} }),
    ).rejects.toMatchObject({
      code: 'ERR_SESSION_BACKEND',
      cause: fault,
    })
  })

  it('takes an id that exists already for a broken random source, and never tries again', async () => {
    const store = spyOn(createMemoryStore(), { create: () => ({ ok: false, reason: 'exists' }) })
    let created = false
    const generated = createBackend(store).generate({ onCreated: () => (created = true) })
    await expect(generated).rejects.toMatchObject({
      code: 'ERR_SESSION_BACKEND',
      message: 'the store already holds a record of a newly drawn id',
    })
    expect(store.calls).toEqual(['create'])
    expect(created).toBe(false)
  })

  it('passes an error of its own through a store', async () => {
    const own = Object.assign(new Error('too long'), { code: 'ERR_SESSION_INVALID_VALUE' })
    const store = spyOn(createMemoryStore(), { update: () => Promise.reject(own) })
    await expect(createBackend(store).set(generateKey(), 'a')).rejects.toBe(own)
  })
})
