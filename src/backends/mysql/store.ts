import { createHash } from 'node:crypto'
import type { NewRecord, Store, SubjectLimit, UpdateResult } from '../../core/store.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import { bytesOf, listedOf, numberOrNull, PACKED_LISTED } from './packing.ts'
import { answersOf, codeOf } from './ask.ts'
import type { MysqlAsk } from './ask.ts'
import type { MysqlValue } from './pool.ts'
import { PROCEDURES } from './procedures.ts'
import { createRead } from './read.ts'
import { fill, namesOf } from './schema.ts'
import { createTogether } from './together.ts'
import { CLOCK } from './transaction.ts'
import { CHANGES, statementOf, touchedOf, touchValues, updateResultOf } from './updates.ts'
import type { Update } from './updates.ts'

/** A store whose sweeping can be shared out among processes. */
export interface MysqlStore extends Store {
  /** Sweeps if nobody else does: takes or renews a lease of so many milliseconds, and removes nothing without it. */
  sweepAlone(owner: string, leaseMs: number, limit: number): Promise<number>
  /** Gives the lease back. */
  endLease(owner: string): Promise<void>
}

// What a `Date` can show. Sums of such spans stay exact in the server's integers and in numbers.
const LONGEST_MS = 8.64e15
// Said, because `sql_select_limit` counts where a SELECT says nothing.
const ALL = '18446744073709551615'
// What one step may lock at once.
const LARGEST_SWEEP = 100_000
// `deleteAll` takes as long as there are records; the core gives it as many time limits.
const DELETE_ALL_FACTOR = 60

/** Makes the `Store` under `createMysqlBackend`. Each operation is one statement, or one with others', by the server's clock. */
export function createMysqlStore(ask: MysqlAsk, table: string, within: TimeLimit): MysqlStore {
  const sql = statementsOf(table)
  const clock = createEstimate()

  /** Calls a procedure: the fields of its answer. */
  async function call(statement: string, values: MysqlValue[], factor?: number): Promise<string[]> {
    const [answer] = answersOf(await ask(statement, values, factor))
    if (answer === undefined) throw new Error('a procedure of the MySQL backend gave no answer')
    return answer.toString('latin1').split(',')
  }

  /** Makes an update by a plain statement if that can tell enough, else by a procedure. */
  async function updateAlone(update: Update): Promise<UpdateResult> {
    const { recordId, secretHash, value, idleMs, version } = update
    if (version !== undefined && version > 0) {
      const versioned = { ...update, version, aboutMs: clock.get() }
      const [name, values] = statementOf(versioned)
      const done = updateResultOf(codeOf(await ask(sql[name], values)), versioned)
      if (done !== undefined) return done
    }
    const [first = '', expiresAtMs, nowMs] = await call(sql.update, [
      bytesOf(recordId),
      bytesOf(secretHash),
      ...given(value, bytesOf(value ?? null)),
      idleMs ?? null,
      version ?? null,
    ])
    if (first === 'gone' || first === 'conflict') return { ok: false, reason: first }
    clock.set(Number(nowMs))
    return {
      ok: true,
      version: Number(first),
      expiresAtMs: Number(expiresAtMs),
      nowMs: Number(nowMs),
    }
  }

  const update = createTogether(ask, sql.updateMany, updateAlone, within)

  return {
    async create(record, limit) {
      const [first = '', expiresAtMs] = await call(sql.create, newRow(record, limit))
      if (first === 'exists' || first === 'limit') return { ok: false, reason: first }
      return { ok: true, createdAtMs: Number(first), expiresAtMs: Number(expiresAtMs) }
    },

    read: createRead(ask, table, within, clock.set),

    async update(recordId, secretHash, { value, idleMs }, version) {
      return update({
        recordId,
        secretHash,
        value,
        idleMs: idleMs === undefined ? undefined : bounded(idleMs),
        version: version === undefined ? undefined : versionOf(version),
      })
    },

    async touch(recordId, secretHash, fromMs, toMs) {
      const values = touchValues(recordId, secretHash, bounded(fromMs), bounded(toMs))
      return touchedOf(codeOf(await ask(sql.touch, values)))
    },

    async updateSecurity(recordId, change, securityVersion, limit) {
      const { secretHash, previous, subject, authenticated, labels, extra } = change
      const graceMs = previous?.graceMs ?? null
      const [first = '', expiresAtMs, nowMs, authenticatedAtMs] = await call(sql.secure, [
        bytesOf(recordId),
        versionOf(securityVersion),
        bytesOf(secretHash ?? null),
        ...given(previous, bytesOf(previous?.hash ?? null)),
        graceMs === null ? null : bounded(graceMs),
        authenticated === undefined ? null : bounded(authenticated.absoluteMs),
        ...given(subject, bytesOf(subject ?? null)),
        hashOf(subject ?? null),
        ...given(labels, bytesOf(labels ?? null)),
        ...given(extra, bytesOf(extra ?? null)),
        ...boundsOf(subject ?? null, limit),
      ])
      if (first === 'gone' || first === 'conflict' || first === 'limit') {
        return { ok: false, reason: first }
      }
      return {
        ok: true,
        securityVersion: Number(first),
        expiresAtMs: Number(expiresAtMs),
        authenticatedAtMs: numberOrNull(authenticatedAtMs),
        nowMs: Number(nowMs),
      }
    },

    async delete(recordId, secretHash) {
      const values = [bytesOf(recordId), bytesOf(secretHash ?? null)]
      return (await call(sql.remove, values))[0] === '1'
    },

    async list(subject) {
      return answersOf(await ask(sql.list, [hashOf(subject)])).map(listedOf)
    },

    async deleteSubject(subject, except) {
      return countOf(await call(sql.removeSubject, [hashOf(subject), bytesOf(except ?? null)]))
    },

    async deleteAll() {
      return countOf(await call(sql.removeAll, [], DELETE_ALL_FACTOR))
    },

    async sweep(limit) {
      return countOf(await call(sql.sweep, [sweepable(limit), null, null]))
    },

    async sweepAlone(owner, leaseMs, limit) {
      return countOf(await call(sql.sweep, [sweepable(limit), bytesOf(owner), leaseMs]))
    },

    async endLease(owner) {
      await ask(sql.endLease, [bytesOf(owner)])
    },
  }
}

function statementsOf(table: string) {
  const { procedure } = namesOf(table)
  const calling = (name: string): string => {
    const [parameters = ''] = PROCEDURES[name] ?? []
    const slots = Array.from(parameters.matchAll(/\bp_\w+/g), () => '?')
    return `CALL ${procedure(name)}(${slots.join(', ')})`
  }
  return {
    list: fill(
      `SELECT ${PACKED_LISTED} AS answer FROM {table} WHERE subject_hash = ? AND expires_at > ${CLOCK}
      ORDER BY created_at, id LIMIT ${ALL}`,
      table,
    ),
    endLease: fill(`UPDATE {locks} SET owned_until = 0 WHERE slot = 0 AND owner = ?`, table),
    create: calling('create'),
    update: calling('update'),
    updateMany: calling('update_many'),
    renew: fill(CHANGES.renew, table),
    setIdle: fill(CHANGES.setIdle, table),
    setValue: fill(CHANGES.setValue, table),
    setBoth: fill(CHANGES.setBoth, table),
    touch: fill(CHANGES.touch, table),
    secure: calling('secure'),
    remove: calling('remove'),
    removeSubject: calling('remove_subject'),
    removeAll: calling('remove_all'),
    sweep: calling('sweep'),
  }
}

function newRow(record: NewRecord, limit: SubjectLimit | undefined): MysqlValue[] {
  const { recordId, secretHash, value, subject, authenticated, labels, extra } = record
  return [
    bytesOf(recordId),
    bytesOf(secretHash),
    bytesOf(value),
    bounded(record.idleMs),
    bounded(record.absoluteMs),
    bytesOf(subject),
    hashOf(subject),
    authenticated ? 1 : 0,
    bytesOf(labels),
    bytesOf(extra),
    ...boundsOf(subject, limit),
  ]
}

/** How many sessions the subject may have, or null, and whether to evict beyond it. */
function boundsOf(
  subject: string | null,
  limit: SubjectLimit | undefined,
): [number | null, number] {
  const { maxPerSubject, atLimit } = limit ?? {}
  const most = subject === null || maxPerSubject === undefined ? null : bounded(maxPerSubject)
  return [most, atLimit === 'evict_oldest' ? 1 : 0]
}

/**
 * What the subject index holds: a subject may be longer than an entry may be. Two subjects of one SHA-256 would be a
 * broken hash, and nothing else here would be safe with it.
 */
function hashOf(subject: string | null): Buffer | null {
  return subject === null ? null : createHash('sha256').update(subject).digest()
}

/** About the server's clock: ours, set by its answers. */
function createEstimate(): { get: () => number; set: (serverMs: number) => void } {
  let aheadMs = Date.now() - performance.now()
  return {
    get: () => Math.floor(performance.now() + aheadMs),
    set: (serverMs) => {
      aheadMs = serverMs - performance.now()
    },
  }
}

/** Whether the caller says something, and what. */
function given(said: unknown, value: MysqlValue): [number, MysqlValue] {
  return [said === undefined ? 0 : 1, value]
}

/** A version as a number of the server's; 0 is none that a record has. */
function versionOf(version: number): number {
  return Number.isSafeInteger(version) && version > 0 ? version : 0
}

/** A whole number that the server can add to others. */
function bounded(number: number): number {
  return Math.trunc(Math.max(-LONGEST_MS, Math.min(number, LONGEST_MS))) || 0
}

function countOf([count]: readonly string[]): number {
  return Number(count)
}

function sweepable(limit: number): number {
  return Math.max(0, Math.min(bounded(limit), LARGEST_SWEEP))
}
