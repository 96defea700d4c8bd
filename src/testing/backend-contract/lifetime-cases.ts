import assert from 'node:assert/strict'
import type { Backend } from '../../core/backend.ts'
import type { CaseTable } from '../contract-case.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }

async function periodOf(backend: Backend, key: string): Promise<number> {
  const answer = await backend.get(key)
  assert.ok(answer.ok, 'the session is there')
  return answer.period
}

/** A period just set, read a moment later. */
function assertClose(period: number, expected: number): void {
  assert.ok(Number.isInteger(period), 'a period is whole seconds')
  assert.ok(period <= expected && period >= expected - 1, `${period} is about ${expected}`)
}

/** Periods and the end of them. */
export const lifetimeCases: CaseTable<Backend> = {
  'the default period is whole seconds, and generate uses it': async (backend) => {
    const { defaultPeriod } = backend
    assert.ok(Number.isInteger(defaultPeriod) && defaultPeriod > 0)
    assertClose(await periodOf(backend, await backend.generate({ value: 'value' })), defaultPeriod)
  },

  'generate uses the expiry it is given': async (backend) => {
    assertClose(await periodOf(backend, await backend.generate({ value: 'value', expiry: 30 })), 30)
  },

  'set without an expiry goes back to the default period': async (backend) => {
    const key = await backend.generate({ value: 'value', expiry: 30 })
    await backend.set(key, 'other')
    assertClose(await periodOf(backend, key), backend.defaultPeriod)
  },

  'set uses the expiry it is given, with a value and without': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    await backend.set(key, 'other', { expiry: 40 })
    assertClose(await periodOf(backend, key), 40)
    await backend.set(key, undefined, { expiry: 20 })
    assertClose(await periodOf(backend, key), 20)
  },

  'set with an expiry of 0 or less ends the session': async (backend) => {
    for (const expiry of [0, -1]) {
      const key = await backend.generate({ value: 'value' })
      await backend.set(key, 'other', { expiry })
      assert.deepEqual(await backend.get(key), NOT_FOUND)
      assert.deepEqual(await backend.set(key, 'back'), NOT_FOUND)
    }
  },

  'the period counts down by the second': {
    exact: async (backend, { advance }) => {
      const key = await backend.generate({ value: 'value', expiry: 10 })
      assert.equal(await periodOf(backend, key), 10)
      await advance(3)
      assert.equal(await periodOf(backend, key), 7)
      await advance(6)
      assert.equal(await periodOf(backend, key), 1)
    },
  },

  'a session is live until just before the end of its period': {
    exact: async (backend, { advance }) => {
      const key = await backend.generate({ value: 'value', expiry: 2 })
      await advance(1.999)
      assert.ok((await backend.get(key)).ok)
    },
  },

  'a session is gone when its period has passed': async (backend, { advance }) => {
    const key = await backend.generate({ value: 'value', expiry: 1 })
    const unset = await backend.generate({ expiry: 1 })
    await advance(1)
    assert.deepEqual(await backend.get(key), NOT_FOUND)
    assert.deepEqual(await backend.get(unset), NOT_FOUND)
  },

  'set on an expired session is not_found and does not revive it': async (backend, { advance }) => {
    const key = await backend.generate({ value: 'value', expiry: 1 })
    await advance(1)
    assert.deepEqual(await backend.set(key, 'back'), NOT_FOUND)
    assert.deepEqual(await backend.set(key, undefined, { expiry: 60 }), NOT_FOUND)
  },

  'each session has a period of its own': async (backend, { advance }) => {
    await backend.generate({ value: 'short', expiry: 1 })
    const key = await backend.generate({ value: 'long', expiry: 60 })
    await advance(1)
    assert.ok((await backend.get(key)).ok)
  },
}
