import type { Handle } from '../../../src/core/key.ts'
import type { Store } from '../../../src/core/store.ts'
import { pause, revive } from './fault.ts'
import type { Fault, FaultTools } from './fault.ts'

/** Values kept as something else, by both operations that write them. */
function keeping({ right }: FaultTools, map: (value: string) => string | null): Partial<Store> {
  const kept = <T extends { readonly value?: string | null | undefined }>(change: T): T =>
    typeof change.value === 'string' ? { ...change, value: map(change.value) } : change
  return {
    create: (record, limit) => right.create(kept(record), limit),
    update: (id, hash, change, version) => right.update(id, hash, kept(change), version),
  }
}

/** Faults in creating, reading, deleting and sweeping. */
export const recordFaults: Readonly<Record<string, Fault>> = {
  'read tells no time': {
    fails: 'create then read gives the record back',
    make: ({ right }) => ({
      read: async (id) => {
        const record = await right.read(id)
        return record && { ...record, nowMs: 0 }
      },
    }),
  },
  'create overwrites': {
    fails: 'create takes an id once, and the losers change nothing',
    make: ({ right }) => ({
      create: async (record, limit) => {
        await right.delete(record.recordId)
        return right.create(record, limit)
      },
    }),
  },
  'create looks, waits, writes': {
    fails: 'create takes an id once, and the losers change nothing',
    make: ({ right }) => ({
      create: async (record, limit) => {
        if (await right.read(record.recordId)) return { ok: false, reason: 'exists' }
        if (limit !== undefined) return right.create(record, limit)
        await pause()
        // Both in one turn: the last to write wins.
        void right.delete(record.recordId)
        return right.create(record)
      },
    }),
  },
  'values are trimmed': {
    fails: 'values of any characters come back the same',
    make: (tools) => keeping(tools, (value) => value.trim()),
  },
  'values end at U+0000': {
    fails: 'values of any characters come back the same',
    make: (tools) => keeping(tools, (value) => value.split('\0')[0] ?? ''),
  },
  'values are cut to 64 KiB': {
    fails: 'a value of one mebibyte comes back the same',
    make: (tools) => keeping(tools, (value) => value.slice(0, 65_536)),
  },
  'an empty value becomes null': {
    fails: 'an empty value and null are two things',
    make: (tools) => keeping(tools, (value) => (value === '' ? null : value)),
  },
  'labels end at U+0000': {
    fails: 'subject, labels and extra of any characters come back the same',
    make: ({ right }) => ({
      create: (record, limit) =>
        right.create({ ...record, labels: record.labels?.split('\0')[0] ?? null }, limit),
    }),
  },
  'read ignores the expiry': {
    fails: 'a record is gone from the very moment of its expiry',
    make: (tools) => ({
      read: (id) => {
        revive(tools, id)
        return tools.right.read(id)
      },
    }),
  },
  'read is inclusive': {
    fails: 'a record is gone from the very moment of its expiry',
    make: ({ right, sql, now }) => ({
      read: (id) => {
        sql('UPDATE t SET expires_at = expires_at + 1 WHERE id = ? AND expires_at = ?', id, now())
        return right.read(id)
      },
    }),
  },
  'records expire a moment early': {
    fails: 'a record is live until just before its expiry',
    make: ({ right }) => ({
      read: async (id) => {
        const record = await right.read(id)
        return record && record.expiresAtMs - record.nowMs <= 1 ? undefined : record
      },
    }),
  },
  'create ignores the deadline': {
    fails: 'create keeps the expiry within the absolute deadline',
    make: ({ right, sql }) => ({
      create: async (record, limit) => {
        const result = await right.create(record, limit)
        if (!result.ok) return result
        const expiresAtMs = result.createdAtMs + record.idleMs
        sql('UPDATE t SET expires_at = ? WHERE id = ?', expiresAtMs, record.recordId)
        return { ...result, expiresAtMs }
      },
    }),
  },
  'a deleted record can be touched': {
    fails: 'delete ends a record, once',
    make: ({ right }) => {
      const deleted = new Set<Handle>()
      return {
        delete: async (id, hash) => {
          const done = await right.delete(id, hash)
          if (done) deleted.add(id)
          return done
        },
        touch: (id, hash, fromMs, toMs) => deleted.has(id) || right.touch(id, hash, fromMs, toMs),
      }
    },
  },
  'delete counts the expired': {
    fails: 'delete of an expired record is false',
    make: (tools) => ({
      delete: (id, hash) => {
        revive(tools, id)
        return tools.right.delete(id, hash)
      },
    }),
  },
  'delete takes any secret': {
    fails: 'delete with a secret takes the current or the previous one, past its grace too',
    make: ({ right }) => ({ delete: (id) => right.delete(id) }),
  },
  'a logout loses to a rotation': {
    fails: 'delete with a secret takes the current or the previous one, past its grace too',
    make: ({ right }) => ({
      delete: async (id, hash) => {
        const current = (await right.read(id))?.security.secretHash
        return hash === undefined || hash === current ? right.delete(id, hash) : false
      },
    }),
  },
  'delete takes the next record along': {
    fails: 'delete leaves the neighbours alone',
    make: ({ right, sql }) => ({
      delete: (id, hash) => {
        sql('DELETE FROM t WHERE rowid = (SELECT rowid + 1 FROM t WHERE id = ?)', id)
        return right.delete(id, hash)
      },
    }),
  },
  'deleteAll counts the expired': {
    fails: 'deleteAll ends every record and counts the live ones',
    make: (tools) => ({
      deleteAll: () => {
        revive(tools)
        return tools.right.deleteAll()
      },
    }),
  },
  'sweep has no limit': {
    fails: 'sweep removes expired records in bounded steps and spares live ones',
    make: ({ right }) => ({ sweep: () => right.sweep(1_000_000) }),
  },
  'sweep takes the live': {
    fails: 'sweep removes expired records in bounded steps and spares live ones',
    make: ({ right, sql }) => ({
      sweep: (limit) => {
        sql('DELETE FROM t WHERE subject IS NULL AND rowid % 8 = 0')
        return right.sweep(limit)
      },
    }),
  },
  'sweep does nothing': {
    fails: 'repeated sweeps reach every expired record, whose id is then free',
    make: () => ({ sweep: () => 0 }),
  },
  'sweep looks at the same records each time': {
    fails: 'repeated sweeps reach every expired record, whose id is then free',
    make: ({ right }) => {
      let swept = 0
      return { sweep: async (limit) => (swept++ === 0 ? right.sweep(limit) : 0) }
    },
  },
}
