import assert from 'node:assert/strict'
import type { Backend } from '../../core/backend.ts'
import type { CaseTable } from '../contract-case.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const NOT_SET = { ok: false, reason: 'not_set' }

async function isString(key: string | PromiseLike<string>): Promise<void> {
  assert.equal(typeof (await key), 'string')
}

/** The fifteen assertions of the original's test suite, in its order. */
export const originalCases: CaseTable<Backend> = {
  'original 1: generate with defaults makes a key': async (backend) => {
    await isString(backend.generate())
  },
  'original 2: generate with an expiry of 0 makes a key': async (backend) => {
    await isString(backend.generate({ expiry: 0 }))
  },
  'original 3: two generates make different keys': async (backend) => {
    assert.notEqual(await backend.generate(), await backend.generate())
  },
  'original 4: generate with an expiry of -1 makes a key': async (backend) => {
    await isString(backend.generate({ expiry: -1 }))
  },
  'original 5: clear of a fresh session is fine': async (backend) => {
    assert.equal(await backend.clear(await backend.generate()), undefined)
  },
  'original 6: clear of a cleared session is fine': async (backend) => {
    const key = await backend.generate()
    await backend.clear(key)
    assert.equal(await backend.clear(key), undefined)
  },
  'original 7: set of a fresh session is accepted': async (backend) => {
    const key = await backend.generate()
    assert.equal((await backend.set(key, 'value')).ok, true)
  },
  'original 8: set over a value is accepted': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    assert.equal((await backend.set(key, 'other')).ok, true)
  },
  'original 9: generate with a value and an expiry of -1 makes a key': async (backend) => {
    await isString(backend.generate({ value: 'value', expiry: -1 }))
  },
  'original 10: get of what is no key is not_found': async (backend) => {
    assert.deepEqual(await backend.get('asdfjk'), NOT_FOUND)
  },
  'original 11: get of an expired session without a value is not_found': async (backend) => {
    assert.deepEqual(await backend.get(await backend.generate({ expiry: -10 })), NOT_FOUND)
  },
  'original 12: get of a live session without a value is not_set': async (backend) => {
    assert.deepEqual(await backend.get(await backend.generate()), NOT_SET)
  },
  'original 13: get gives the value that was set': async (backend) => {
    const key = await backend.generate()
    await backend.set(key, 'value')
    const found = await backend.get(key)
    assert.ok(found.ok)
    assert.equal(found.value, 'value')
  },
  'original 14: get of a cleared session is not_found': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    await backend.clear(key)
    assert.deepEqual(await backend.get(key), NOT_FOUND)
  },
  'original 15: get of an expired session with a value is not_found': async (backend) => {
    const key = await backend.generate({ value: 'value', expiry: -1000 })
    assert.deepEqual(await backend.get(key), NOT_FOUND)
  },
}
