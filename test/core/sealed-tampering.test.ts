// Somebody who can write to the store changes a record, and knows no key. What they can do is in docs/sealed-values.md.
import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { handleOf } from '../../src/core/key.ts'
import type { Key } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { StoredRecord } from '../../src/core/store.ts'
import { createSessionManager } from '../../src/manager.ts'
import { listenToAll } from '../manager/heard.ts'
import { leaksOf, MARK, secretsIn } from '../secrets/leaks.ts'
import { spyOn } from './spy-store.ts'

/** What the attacker has seen: two sessions, the first of them at two versions. */
interface Seen {
  readonly before: StoredRecord
  readonly now: StoredRecord
  readonly other: StoredRecord
}

type Change = (seen: Seen) => Partial<StoredRecord>

function extraOf({ now: { security } }: Seen, extra: string | null): Partial<StoredRecord> {
  return { security: { ...security, extra } }
}

const VALUE_CHANGES: Readonly<Record<string, Change>> = {
  'the value of another session': ({ other }) => ({ value: other.value, version: other.version }),
  'an older value under the version of now': ({ before }) => ({ value: before.value }),
  'the value of now under an older version': ({ before }) => ({ version: before.version }),
  'the value of now under a later version': ({ now }) => ({ version: now.version + 1 }),
  'a value in clear': () => ({ value: JSON.stringify(MARK) }),
  'no text at all': () => ({ value: '' }),
  'a wrapped key for a value': ({ now }) => ({
    value: (JSON.parse(now.security.extra ?? '') as { dataKeys: string[] }).dataKeys[0] ?? '',
  }),
}

const KEY_CHANGES: Readonly<Record<string, Change>> = {
  'all of another session, but for the secret': ({ now, other }) => ({
    ...other,
    recordId: now.recordId,
    security: { ...other.security, secretHash: now.security.secretHash },
  }),
  'the wrapped keys of another session': (seen) => extraOf(seen, seen.other.security.extra),
  'no wrapped keys': (seen) => extraOf(seen, null),
  'an empty list of them': (seen) => extraOf(seen, '{"dataKeys":[]}'),
  'a value for a wrapped key': (seen) =>
    extraOf(seen, JSON.stringify({ dataKeys: [seen.now.value] })),
  'wrapped keys that are none': (seen) => extraOf(seen, '{"dataKeys":"AAAA"}'),
  'three wrapped keys': (seen) => extraOf(seen, '{"dataKeys":["AAAA","AAAA","AAAA"]}'),
  'a value in clear, and no wrapped keys': (seen) => ({
    value: JSON.stringify(MARK),
    ...extraOf(seen, null),
  }),
}

/** A session whose record reads as `change` has it, and what else there is. */
async function tampered(change: Change) {
  const memory = createMemoryStore()
  let shown: Partial<StoredRecord> = {}
  const store = spyOn(memory, {
    async read(id) {
      const record = await memory.read(id)
      return record && id === victim ? { ...record, ...shown } : record
    },
  })
  const backend = createBackend(store, { sealed: true })
  const manager = createSessionManager<string>({ backend })
  const session = await manager.generate(`${MARK} 1`)
  const victim = session.handle
  const other = await manager.generate(`${MARK} 2`)
  const recordOf = async (key: Key) => (await memory.read(handleOf(key))) as StoredRecord
  const before = await recordOf(session.key)
  await manager.set(session, { value: `${MARK} 3` })
  const seen = { before, now: await recordOf(session.key), other: await recordOf(other.key) }
  shown = change(seen)
  store.calls.length = 0
  return { backend, manager, store, session, key: session.key, now: seen.now, recordOf }
}

async function faultOf(run: () => Promise<unknown>): Promise<unknown> {
  return run().then(
    (value) => ({ value }),
    (error: unknown) => error,
  )
}

describe.each(Object.entries({ ...VALUE_CHANGES, ...KEY_CHANGES }))('%s', (_name, change) => {
  it('is a fault of the store, and never a reason to begin anew', async () => {
    const { manager, store, key } = await tampered(change)
    const cookie = `__Host-session=${key}`
    const { take } = listenToAll()
    for (const run of [
      () => manager.fromKey(key),
      () => manager.fromHeaders(cookie),
      () => manager.fromHeadersOrCreate(cookie, 'new', { onInvalid: 'create' }),
    ]) {
      const fault = await faultOf(run)
      expect(fault).toMatchObject({ code: 'ERR_SESSION_BACKEND' })
      expect(leaksOf(fault)).toEqual([])
    }
    expect(new Set(store.calls)).toEqual(new Set(['read']))
    const heard = take()
    expect(heard.map(([name]) => name)).toContain('store.fault')
    expect(secretsIn(JSON.stringify(heard))).toEqual([])
  })

  it('can still be logged out of', async () => {
    const { manager, key, recordOf } = await tampered(change)
    expect(await manager.clearFromHeaders(`__Host-session=${key}`)).toBe(true)
    expect(await recordOf(key)).toBeUndefined()
  })
})

describe.each(Object.entries(KEY_CHANGES))('%s', (_name, change) => {
  it('is not taken over into a new state', async () => {
    const { backend, key, now, recordOf } = await tampered(change)
    for (const run of [
      () => backend.set(key, 'x'),
      () => backend.rotate(key, 1),
      () => backend.renew(key),
    ]) {
      expect(await faultOf(run)).toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    }
    const { nowMs: _nowMs, ...kept } = await recordOf(key)
    expect(now).toMatchObject(kept)
  })
})

describe('an update that was loaded before the tampering', () => {
  it('meets it when it reads again, and writes nothing', async () => {
    const { backend, manager, store, session, key, recordOf } = await tampered(({ before }) => ({
      value: before.value,
    }))
    await backend.set(key, '"theirs"')
    store.calls.length = 0
    const fault = await faultOf(() => manager.update(session, (value) => `${value} and mine`))
    expect(fault).toMatchObject({ code: 'ERR_SESSION_BACKEND' })
    expect(store.calls).toEqual(['update', 'read'])
    expect(await recordOf(key)).toMatchObject({ version: 3 })
  })
})

describe('what a writer to the store can do unnoticed', () => {
  it.each<[string, Change]>([
    ['a whole record', ({ before }) => before],
    ['a value and its version alone', ({ before: { value, version } }) => ({ value, version })],
  ])('is to put back %s', async (_what, change) => {
    const { manager, key } = await tampered(change)
    expect(await manager.fromKey(key)).toMatchObject({ session: { value: `${MARK} 1` } })
  })

  it('is to empty it, as to delete it', async () => {
    const { manager, key } = await tampered(() => ({ value: null }))
    expect(await manager.fromKey(key)).toEqual({ ok: false, reason: 'not_set' })
  })
})
