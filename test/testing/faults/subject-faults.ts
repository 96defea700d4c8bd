import type { Handle } from '../../../src/core/key.ts'
import type { ListedRecord } from '../../../src/core/store.ts'
import { pause, revive } from './fault.ts'
import type { Fault } from './fault.ts'

/** Faults in listing, in ending a subject's records, and in bounds on them. */
export const subjectFaults: Readonly<Record<string, Fault>> = {
  'list is newest first': {
    fails: 'list gives what is known of a subject’s records, oldest first',
    make: ({ right }) => ({ list: async (subject) => (await right.list(subject)).toReversed() }),
  },
  'subjects are compared without regard to case': {
    fails: 'subjects that look alike stay apart',
    make: ({ right }) => ({
      list: async (subject) =>
        subject === 'Ann'
          ? [...(await right.list('ann')), ...(await right.list('Ann'))]
          : right.list(subject),
    }),
  },
  'list shows the expired': {
    fails: 'list leaves out the expired',
    make: (tools) => ({
      list: (subject) => {
        revive(tools)
        return tools.right.list(subject)
      },
    }),
  },
  'list shows the deleted': {
    fails: 'list leaves out the deleted',
    make: ({ right }) => {
      const ghosts: ListedRecord[] = []
      return {
        delete: async (id, hash) => {
          const subject = (await right.read(id))?.security.subject
          const own = typeof subject === 'string' ? await right.list(subject) : []
          ghosts.push(...own.filter(({ recordId }) => recordId === id))
          return right.delete(id, hash)
        },
        list: async (subject) => [...(await right.list(subject)), ...ghosts],
      }
    },
  },
  'the subject index is stale': {
    fails: 'a change of subject moves the record from one list to the other',
    make: ({ right }) => {
      const first = new Map<Handle, string | null>()
      return {
        create: (record, limit) => {
          first.set(record.recordId, record.subject)
          return right.create(record, limit)
        },
        list: async (subject) => {
          const listed = await right.list(subject)
          const moved = (id: Handle): boolean => (first.get(id) ?? subject) !== subject
          return listed.filter(({ recordId }) => !moved(recordId))
        },
      }
    },
  },
  'deleteSubject takes every subject': {
    fails: 'deleteSubject ends the subject’s records, counts the live ones and spares all others',
    make: ({ right }) => ({
      deleteSubject: (subject, except) =>
        except === undefined ? right.deleteAll() : right.deleteSubject(subject, except),
    }),
  },
  'deleteSubject forgets the exception': {
    fails: 'deleteSubject spares the one record it is told to',
    make: ({ right }) => ({ deleteSubject: (subject) => right.deleteSubject(subject) }),
  },
  'deleteSubject knows only what was created for it': {
    fails: 'deleteSubject ends a record that was bound before it',
    make: ({ right }) => {
      const first = new Map<string, Handle[]>()
      return {
        create: (record, limit) => {
          const own = record.subject ?? ''
          first.set(own, [...(first.get(own) ?? []), record.recordId])
          return right.create(record, limit)
        },
        deleteSubject: async (subject, except) => {
          const own = (first.get(subject) ?? []).filter((id) => id !== except)
          const done = await Promise.all(own.map(async (id) => right.delete(id)))
          return done.filter(Boolean).length
        },
      }
    },
  },
  'a rotation deletes, waits, creates': {
    fails: 'deleteSubject ends a record in the middle of a rotation',
    make: ({ right }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const record = await right.read(id)
        const { secretHash } = change
        const other = Object.keys(change).length > 1 || secretHash === undefined || !record
        if (other) return right.updateSecurity(id, change, version, limit)
        await right.delete(id)
        await pause()
        const { subject, labels, extra } = record.security
        const spans = { idleMs: record.idleMs, absoluteMs: 600_000 }
        const rest = { value: record.value, subject, labels, extra, authenticated: false }
        await right.create({ recordId: id, secretHash, ...spans, ...rest })
        return right.updateSecurity(id, {}, 1)
      },
    }),
  },
  'the limit is for nobody too': {
    fails: 'maxPerSubject refuses a record too many and changes nothing',
    make: ({ right }) => ({
      create: (record, limit) =>
        limit && record.subject === null
          ? { ok: false, reason: 'limit' }
          : right.create(record, limit),
    }),
  },
  'the limit counts the expired': {
    fails: 'maxPerSubject counts live records only',
    make: (tools) => ({
      create: (record, limit) => {
        if (limit !== undefined) revive(tools)
        return tools.right.create(record, limit)
      },
    }),
  },
  'the limit evicts the newest': {
    fails: 'maxPerSubject can evict the oldest instead',
    make: ({ right }) => ({
      create: async (record, limit) => {
        if (limit?.atLimit !== 'evict_oldest' || record.subject === null)
          return right.create(record, limit)
        const newest = (await right.list(record.subject)).at(-1)
        if (newest) await right.delete(newest.recordId)
        return right.create(record)
      },
    }),
  },
  'nobody is evicted for a change of subject': {
    fails: 'maxPerSubject bounds a change of subject too',
    make: ({ right }) => ({
      updateSecurity: (id, change, version, limit) =>
        right.updateSecurity(
          id,
          change,
          version,
          limit?.atLimit === 'evict_oldest' ? undefined : limit,
        ),
    }),
  },
  'the limit counts, waits, inserts': {
    fails: 'maxPerSubject holds against creates at once',
    make: ({ right }) => ({
      create: async (record, limit) => {
        const most = limit?.maxPerSubject
        if (most === undefined || limit?.atLimit === 'evict_oldest' || record.subject === null) {
          return right.create(record, limit)
        }
        const { length } = await right.list(record.subject)
        if (length >= most) return { ok: false, reason: 'limit' }
        await pause()
        return right.create(record)
      },
    }),
  },
  'a subject’s index expires with the first of its records': {
    fails: 'list and deleteSubject know a record for as long as it lives',
    make: ({ right, now }) => {
      const indexes = new Map<string, { readonly untilMs: number; readonly gone: Set<Handle> }>()
      return {
        create: async (record, limit) => {
          const made = await right.create(record, limit)
          if (!made.ok || record.subject === null || record.idleMs <= 0) return made
          const { untilMs = Infinity } = indexes.get(record.subject) ?? {}
          const expired = now() >= untilMs ? await right.list(record.subject) : []
          const gone = new Set(expired.map(({ recordId }) => recordId))
          gone.delete(record.recordId)
          if (now() < untilMs && untilMs !== Infinity) return made
          indexes.set(record.subject, { untilMs: made.expiresAtMs, gone })
          return made
        },
        list: async (subject) => {
          const { untilMs = Infinity, gone = new Set() } = indexes.get(subject) ?? {}
          if (now() >= untilMs) return []
          return (await right.list(subject)).filter(({ recordId }) => !gone.has(recordId))
        },
      }
    },
  },
  'a subject’s index goes by the expiry that it was told first': {
    fails: 'list and deleteSubject know a record for as long as it lives',
    make: ({ right, now }) => {
      const first = new Map<Handle, number>()
      return {
        create: async (record, limit) => {
          const made = await right.create(record, limit)
          if (made.ok) first.set(record.recordId, made.expiresAtMs)
          return made
        },
        list: async (subject) =>
          (await right.list(subject)).filter(
            ({ recordId }) => now() < (first.get(recordId) ?? Infinity),
          ),
      }
    },
  },
  'the limit counts, waits, changes the subject': {
    fails: 'maxPerSubject holds against changes of subject at once',
    make: ({ right }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const most = limit?.maxPerSubject
        const { subject } = change
        if (most === undefined || limit?.atLimit === 'evict_oldest' || !subject) {
          return right.updateSecurity(id, change, version, limit)
        }
        const own = await right.list(subject)
        const others = own.filter(({ recordId }) => recordId !== id)
        if (others.length >= most && others.length === own.length) {
          return { ok: false, reason: 'limit' }
        }
        await pause()
        return right.updateSecurity(id, change, version)
      },
    }),
  },
}
