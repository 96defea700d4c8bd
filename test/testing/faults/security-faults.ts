import type { Handle } from '../../../src/core/key.ts'
import type { SecurityChange, Store } from '../../../src/core/store.ts'
import { pause, revive } from './fault.ts'
import type { Fault, FaultTools } from './fault.ts'

/** The security part changed otherwise than asked. */
function asking(
  { right }: FaultTools,
  map: (change: SecurityChange) => SecurityChange,
): Partial<Store> {
  return {
    updateSecurity: (id, change, version, limit) =>
      right.updateSecurity(id, map(change), version, limit),
  }
}

/** The grace that a change of the secret leaves to the one before. */
function gracing(change: SecurityChange, map: (ms: number) => number): SecurityChange {
  const { secretHash, previous } = change
  if (secretHash === undefined || typeof previous?.graceMs !== 'number') return change
  return { ...change, previous: { ...previous, graceMs: map(previous.graceMs) } }
}

/** Faults in changing who may use a record. */
export const securityFaults: Readonly<Record<string, Fault>> = {
  'updateSecurity clears the extra': {
    fails: 'updateSecurity changes what it names and leaves the rest',
    make: (tools) => asking(tools, (change) => ({ ...change, extra: change.extra ?? null })),
  },
  'updateSecurity cannot unset': {
    fails: 'updateSecurity can take labels, extra, subject and the previous secret away',
    make: (tools) => asking(tools, (change) => ({ ...change, labels: change.labels ?? undefined })),
  },
  'updateSecurity ignores securityVersion': {
    fails: 'of changes at one securityVersion exactly one wins and the others conflict',
    make: ({ right }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const current = (await right.read(id))?.securityVersion
        return right.updateSecurity(id, change, current ?? version, limit)
      },
    }),
  },
  'updateSecurity looks, waits, writes': {
    fails: 'of changes at one securityVersion exactly one wins and the others conflict',
    make: ({ right, sql }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const before = (await right.read(id))?.securityVersion
        await pause()
        if (before === version) sql('UPDATE t SET security_version = ? WHERE id = ?', version, id)
        return right.updateSecurity(id, change, version, limit)
      },
    }),
  },
  'updateSecurity creates': {
    fails: 'updateSecurity of an unknown id is gone and creates nothing',
    make: ({ right, sql, now }) => {
      const known = new Set<Handle>()
      return {
        create: (record, limit) => {
          known.add(record.recordId)
          return right.create(record, limit)
        },
        updateSecurity: (id, change, version, limit) => {
          const columns =
            'id, version, idle_ms, created_at, expires_at, deadline_at, security_version'
          const insert = `INSERT INTO t (${columns}, secret_hash) VALUES (?, 1, 1, ?, ?, ?, 1, '')`
          if (!known.has(id)) sql(insert, id, now(), now() + 60_000, now() + 60_000)
          return right.updateSecurity(id, change, version, limit)
        },
      }
    },
  },
  'updateSecurity revives': {
    fails: 'updateSecurity of an expired record is gone and does not revive it',
    make: (tools) => ({
      updateSecurity: (id, change, version, limit) => {
        revive(tools, id)
        return tools.right.updateSecurity(id, change, version, limit)
      },
    }),
  },
  'a rotated secret still writes': {
    fails: 'a rotation without grace ends the old secret’s writes at once',
    make: (tools) => asking(tools, (change) => gracing(change, (ms) => (ms === 0 ? 60_000 : ms))),
  },
  'there is no grace': {
    fails: 'the previous secret may write while its grace lasts',
    make: (tools) => asking(tools, (change) => gracing(change, () => 0)),
  },
  'the grace is endless': {
    fails: 'the previous secret may not write once its grace has ended',
    make: (tools) => asking(tools, (change) => gracing(change, (ms) => ms * 1_000_000)),
  },
  'the previous secret changes with the secret alone': {
    fails: 'a grace until further notice can be given an end in its place',
    make: (tools) =>
      asking(tools, ({ previous, ...rest }) =>
        rest.secretHash === undefined && previous ? rest : { ...rest, previous },
      ),
  },
  'authenticated leaves the deadline': {
    fails: 'authenticated anchors deadline and expiry anew',
    make: ({ right, sql }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const before = await right.read(id)
        const result = await right.updateSecurity(id, change, version, limit)
        if (before) sql('UPDATE t SET deadline_at = ? WHERE id = ?', before.deadlineMs, id)
        return result
      },
    }),
  },
  'authenticated ignores the new deadline': {
    fails: 'authenticated keeps the expiry within the new deadline',
    make: ({ right }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const result = await right.updateSecurity(id, change, version, limit)
        if (!result.ok || change.authenticated === undefined) return result
        return { ...result, expiresAtMs: result.nowMs + 60_000 }
      },
    }),
  },
  'saving a value restores the security part it read': {
    fails: 'a change of the value undoes nothing in the security part',
    make: ({ right, sql }) => ({
      update: async (id, hash, change, version) => {
        const before = await right.read(id)
        await pause()
        const result = await right.update(id, hash, change, version)
        const back = 'UPDATE t SET secret_hash = ?, security_version = ? WHERE id = ?'
        if (before) sql(back, before.security.secretHash, before.securityVersion, id)
        return result
      },
    }),
  },
  'changing the security part restores the value it read': {
    fails: 'a change of the security part undoes nothing in the value part',
    make: ({ right, sql }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const before = await right.read(id)
        await pause()
        const result = await right.updateSecurity(id, change, version, limit)
        const back = 'UPDATE t SET value = ?, version = ?, idle_ms = ? WHERE id = ?'
        if (before && result.ok) sql(back, before.value, before.version, before.idleMs, id)
        return result
      },
    }),
  },
  'a second rotation keeps the oldest secret': {
    fails: 'a second rotation takes the place of the first',
    make: ({ right }) => ({
      updateSecurity: async (id, change, version, limit) => {
        const before = (await right.read(id))?.security
        const hash = before?.previousHash
        const previous = change.previous && hash ? { ...change.previous, hash } : change.previous
        return right.updateSecurity(id, { ...change, previous }, version, limit)
      },
    }),
  },
}
