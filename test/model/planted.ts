import type { Handle } from '../../src/core/key.ts'
import type { ListedRecord, NewRecord, SecurityChange, StoredRecord } from '../../src/core/store.ts'
import type { Planted } from './run.ts'

type PlantedStore = NonNullable<Planted['store']>

/** A store whose changes of the security part are others than asked. */
function changing(map: (change: SecurityChange) => SecurityChange): Planted {
  return {
    store: (right) => ({
      updateSecurity: (id, change, version, limit) =>
        right.updateSecurity(id, map(change), version, limit),
    }),
  }
}

const liveAtItsEnd: PlantedStore = (right, now) => {
  const seen = new Map<Handle, StoredRecord>()
  return {
    async read(id) {
      const record = await right.read(id)
      if (record !== undefined) seen.set(id, record)
      const last = seen.get(id)
      return record ?? (last?.expiresAtMs === now() ? { ...last, nowMs: now() - 1 } : undefined)
    },
  }
}

const reviving: PlantedStore = (right) => {
  const made = new Map<Handle, NewRecord>()
  return {
    create(record, limit) {
      made.set(record.recordId, record)
      return right.create(record, limit)
    },
    async update(id, secretHash, change, version) {
      const done = await right.update(id, secretHash, change, version)
      const record = made.get(id)
      if (done.ok || done.reason !== 'gone' || record === undefined) return done
      await right.create({ ...record, secretHash })
      return right.update(id, secretHash, change)
    },
  }
}

const forgetfulIndex: PlantedStore = (right) => {
  const own = new Map<string | null, Handle[]>()
  return {
    create(record, limit) {
      own.set(record.subject, [...(own.get(record.subject) ?? []), record.recordId])
      return right.create(record, limit)
    },
    async deleteSubject(subject, except) {
      const ids = (own.get(subject) ?? []).filter((id) => id !== except)
      const done = await Promise.all(ids.map(async (id) => right.delete(id)))
      return done.filter(Boolean).length
    },
  }
}

const listingTheDead: PlantedStore = (right) => {
  const listed = new Map<string, readonly ListedRecord[]>()
  return {
    async list(subject) {
      const records = await right.list(subject)
      const ids = new Set(records.map(({ recordId }) => recordId))
      const dead = (listed.get(subject) ?? []).filter(({ recordId }) => !ids.has(recordId))
      listed.set(subject, records)
      return [...dead, ...records].toSorted((a, b) => a.createdAtMs - b.createdAtMs)
    },
  }
}

const writingBack: PlantedStore = (right) => ({
  async updateSecurity(id, change, version, limit) {
    const before = await right.read(id)
    const after = await right.read(id)
    const done = await right.updateSecurity(id, change, version, limit)
    const undoes = done.ok && before !== undefined && before.value !== after?.value
    if (undoes && change.secretHash !== undefined) {
      await right.update(id, change.secretHash, { value: before.value })
    }
    return done
  },
})

const countingFirst: PlantedStore = (right) => ({
  async create(record, limit) {
    const { subject } = record
    if (subject === null || limit?.maxPerSubject === undefined) return right.create(record, limit)
    if (limit.atLimit === 'evict_oldest') return right.create(record, limit)
    const { length } = await right.list(subject)
    if (length >= limit.maxPerSubject) return { ok: false, reason: 'limit' }
    return right.create(record)
  },
})

const sweepingTheLiving: PlantedStore = (right) => ({
  async sweep(limit) {
    const [oldest] = await right.list('ann')
    if (oldest !== undefined) await right.delete(oldest.recordId)
    return right.sweep(limit)
  },
})

const caching: PlantedStore = (right) => {
  const cache = new Map<Handle, StoredRecord>()
  return {
    async read(id) {
      const cached = cache.get(id)
      const record = cached ?? (await right.read(id))
      if (cached !== undefined) cache.delete(id)
      else if (record !== undefined) cache.set(id, record)
      return record
    },
  }
}

/** Managers and stores with one fault each, by its name. The model must find every one. */
export const planted: Readonly<Record<string, Planted>> = {
  'a rotated key is still good': changing((change) =>
    change.previous?.graceMs === 0
      ? { ...change, previous: { ...change.previous, graceMs: 60_000 } }
      : change,
  ),
  'renewal ends the old key at once': changing((change) =>
    change.previous?.graceMs === null
      ? { ...change, previous: { ...change.previous, graceMs: 0 } }
      : change,
  ),
  'the grace of a renewed key is ten minutes': changing((change) =>
    change.previous?.graceMs === 60_000
      ? { ...change, previous: { ...change.previous, graceMs: 600_000 } }
      : change,
  ),
  'bind does not authenticate': changing(({ authenticated, ...change }) =>
    change.subject === undefined ? { ...change, authenticated } : change,
  ),
  'rotation takes the labels away': changing((change) => ({
    ...change,
    labels: change.labels ?? null,
  })),
  'a login does not change the owner': changing(({ subject: _subject, ...change }) => change),
  'update ignores the version': {
    store: (right) => ({ update: (id, hash, change) => right.update(id, hash, change) }),
  },
  'update forgets a period of the session’s own': {
    store: (right) => ({
      update: (id, hash, { value, idleMs = 130_000 }, version) =>
        right.update(id, hash, { value, idleMs }, version),
    }),
  },
  'a write revives what has ended': { store: reviving },
  'a session is live at the moment of its end': { store: liveAtItsEnd },
  'the absolute lifetime is forgotten': {
    store: (right) => ({
      create: (record, limit) => right.create({ ...record, absoluteMs: 10_000_000 }, limit),
    }),
  },
  'touch promises more than the absolute lifetime': {
    store: (right) => ({
      async read(id) {
        const record = await right.read(id)
        return record && { ...record, deadlineMs: record.deadlineMs + 1_000_000 }
      },
    }),
  },
  'touch is blind': {
    store: (right) => ({
      touch: async (id, hash, fromMs, toMs) =>
        right.touch(id, hash, (await right.read(id))?.expiresAtMs ?? fromMs, toMs),
    }),
  },
  'clearSubject misses what was bound': { store: forgetfulIndex },
  'clearSubject forgets the exception': {
    store: (right) => ({ deleteSubject: (subject) => right.deleteSubject(subject) }),
  },
  'list shows the dead': { store: listingTheDead },
  'list is newest first': {
    store: (right) => ({
      list: async (subject) => (await right.list(subject)).toReversed(),
    }),
  },
  'a rotation undoes a value written beside it': { store: writingBack },
  'the limit counts, waits, inserts': { store: countingFirst },
  'the limit is not for logins of a session that exists': {
    store: (right) => ({
      updateSecurity: (id, change, version) => right.updateSecurity(id, change, version),
    }),
  },
  'sweep removes the living': { store: sweepingTheLiving },
  'every other read is of the past': { store: caching },
  'a logout loses to a rotation beside it': {
    backend: (right) => ({ clear: (key) => right.clear(key) }),
  },
  'a logout with the key before the last is ignored': {
    store: (right) => ({
      async delete(id, hash) {
        const current = (await right.read(id))?.security.secretHash
        return hash === undefined || hash === current ? right.delete(id, hash) : false
      },
    }),
  },
}
