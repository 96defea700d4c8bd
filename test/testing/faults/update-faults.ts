import type { Handle } from '../../../src/core/key.ts'
import { forgiven, pause, revive } from './fault.ts'
import type { Fault } from './fault.ts'

/** Faults in changing the value and the expiry. */
export const updateFaults: Readonly<Record<string, Fault>> = {
  'the version grows by two': {
    fails: 'update changes the value and adds one to the version',
    make: ({ right, sql }) => ({
      update: async (id, hash, change, version) => {
        const result = await right.update(id, hash, change, version)
        if (!result.ok || change.value === undefined) return result
        sql('UPDATE t SET version = version + 1 WHERE id = ?', id)
        return { ...result, version: result.version + 1 }
      },
    }),
  },
  'update ignores the version': {
    fails: 'of updates at one version exactly one wins and the others conflict',
    make: ({ right }) => ({ update: (id, hash, change) => right.update(id, hash, change) }),
  },
  'update looks, waits, writes': {
    fails: 'of updates at one version exactly one wins and the others conflict',
    make: ({ right }) => ({
      update: async (id, hash, change, version) => {
        const record = await right.read(id)
        const conflicts = version !== undefined && record && record.version !== version
        if (conflicts === true) return { ok: false, reason: 'conflict' }
        await pause()
        return right.update(id, hash, change)
      },
    }),
  },
  'moving the expiry bumps the version': {
    fails: 'update of the expiry alone keeps value and version',
    make: ({ right, sql }) => ({
      update: async (id, hash, change, version) => {
        const result = await right.update(id, hash, change, version)
        if (change.value === undefined) sql('UPDATE t SET version = version + 1 WHERE id = ?', id)
        return result
      },
    }),
  },
  'update forgets the idle span': {
    fails: 'update with an idle span makes it the record’s own',
    make: ({ right, sql }) => ({
      update: async (id, hash, change, version) => {
        const before = await right.read(id)
        const result = await right.update(id, hash, change, version)
        if (before) sql('UPDATE t SET idle_ms = ? WHERE id = ?', before.idleMs, id)
        return result
      },
    }),
  },
  'update goes back to an hour': {
    fails: 'update without an idle span starts the record’s own anew',
    make: ({ right }) => ({
      update: (id, hash, change, version) =>
        right.update(id, hash, { ...change, idleMs: change.idleMs ?? 3_600_000 }, version),
    }),
  },
  'update takes no span for no change': {
    fails: 'update with an idle span of 0 or less ends the record',
    make: ({ right }) => ({
      update: (id, hash, { value, idleMs = 0 }, version) =>
        right.update(id, hash, { value, idleMs: idleMs > 0 ? idleMs : undefined }, version),
    }),
  },
  'update ignores the deadline': {
    fails: 'update keeps the expiry within the absolute deadline',
    make: ({ right, sql }) => ({
      update: async (id, hash, change, version) => {
        const result = await right.update(id, hash, change, version)
        if (!result.ok || change.idleMs === undefined) return result
        const expiresAtMs = result.nowMs + change.idleMs
        sql('UPDATE t SET expires_at = ? WHERE id = ?', expiresAtMs, id)
        return { ...result, expiresAtMs }
      },
    }),
  },
  'update creates': {
    fails: 'update of an unknown id is gone and creates nothing',
    make: ({ right }) => {
      const known = new Set<Handle>()
      return {
        create: (record, limit) => {
          known.add(record.recordId)
          return right.create(record, limit)
        },
        update: async (recordId, secretHash, change, version) => {
          if (!known.has(recordId)) {
            const value = change.value ?? null
            const spans = { idleMs: 60_000, absoluteMs: 600_000 }
            const nobody = { subject: null, authenticated: false, labels: null, extra: null }
            await right.create({ recordId, secretHash, value, ...spans, ...nobody })
          }
          return right.update(recordId, secretHash, change, version)
        },
      }
    },
  },
  'update revives': {
    fails: 'update of an expired record is gone and does not revive it',
    make: (tools) => ({
      update: (id, hash, change, version) => {
        if (change.value !== undefined) revive(tools, id)
        return tools.right.update(id, hash, change, version)
      },
    }),
  },
  'update takes any secret': {
    fails: 'update with a secret that was never good is gone and changes nothing',
    make: (tools) => ({
      update: async (id, hash, change, version) =>
        tools.right.update(id, await forgiven(tools, id, hash), change, version),
    }),
  },
  'update writes back what was deleted under it': {
    fails: 'a delete beats the updates under way',
    make: ({ right }) => ({
      update: async (id, hash, change, version) => {
        const before = await right.read(id)
        await pause()
        if (before && !(await right.read(id)) && before.security.secretHash === hash) {
          const value = change.value ?? before.value
          const { subject, labels, extra } = before.security
          const spans = { idleMs: before.idleMs, absoluteMs: 600_000 }
          const rest = { subject, labels, extra, authenticated: false, ...spans }
          await right.create({ recordId: id, secretHash: hash, value, ...rest })
        }
        return right.update(id, hash, change, version)
      },
    }),
  },
  'touch writes back what was deleted under it': {
    fails: 'a delete beats the updates under way',
    make: ({ right }) => ({
      touch: async (id, hash, fromMs, toMs) => {
        // Both in this turn, so that the deletion comes after.
        const [before, done] = await Promise.all([
          right.read(id),
          right.touch(id, hash, fromMs, toMs),
        ])
        await pause()
        if (!done || !before || (await right.read(id))) return done
        const { subject, labels, extra, secretHash } = before.security
        const spans = { idleMs: before.idleMs, absoluteMs: 600_000 }
        const rest = { value: before.value, subject, labels, extra, authenticated: false }
        await right.create({ recordId: id, secretHash, ...spans, ...rest })
        return done
      },
    }),
  },
  'touch bumps the version': {
    fails: 'touch moves the expiry and nothing else',
    make: ({ right, sql }) => ({
      touch: (id, hash, fromMs, toMs) => {
        sql('UPDATE t SET version = version + 1 WHERE id = ?', id)
        return right.touch(id, hash, fromMs, toMs)
      },
    }),
  },
  'touch is blind': {
    fails: 'touch leaves an expiry alone that has moved since it was read',
    make: ({ right }) => ({
      touch: async (id, hash, fromMs, toMs) =>
        right.touch(id, hash, (await right.read(id))?.expiresAtMs ?? fromMs, toMs),
    }),
  },
  'touch ignores the deadline': {
    fails: 'touch keeps the expiry within the absolute deadline',
    make: ({ right, sql }) => ({
      touch: async (id, hash, fromMs, toMs) => {
        const done = await right.touch(id, hash, fromMs, toMs)
        if (done) sql('UPDATE t SET expires_at = ? WHERE id = ?', toMs, id)
        return done
      },
    }),
  },
  'touch takes any secret': {
    fails: 'touch with a secret that was never good moves nothing',
    make: (tools) => ({
      touch: async (id, hash, fromMs, toMs) =>
        tools.right.touch(id, await forgiven(tools, id, hash), fromMs, toMs),
    }),
  },
  'touch revives': {
    fails: 'touch of an expired record is false and does not revive it',
    make: ({ right, sql, now }) => ({
      touch: (id, hash, fromMs, toMs) => {
        if (fromMs > now()) return right.touch(id, hash, fromMs, toMs)
        sql('UPDATE t SET expires_at = ? WHERE id = ? AND expires_at = ?', now() + 1, id, fromMs)
        return right.touch(id, hash, now() + 1, toMs)
      },
    }),
  },
}
