import { createGather, inOrderOf } from '../../core/gather.ts'
import type { Handle, SecretHash } from '../../core/key.ts'
import type {
  ListedRecord,
  NewRecord,
  SecurityChange,
  Store,
  StoredRecord,
  SubjectLimit,
  UpdateSecurityResult,
} from '../../core/store.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import type { Ask, Cell, Statement } from './client.ts'
import type { Statements } from './statements.ts'
import { bindCount, bindMs, bindText, bindVersion, readText, unpack, unpackBefore } from './text.ts'
import { ATTEMPTS, createUpdate, FLIGHTS, MOST } from './updates.ts'

const NO_TEXTS: readonly Cell[] = [null, null, null]

const DEADLOCK = '40P01'

/** Makes the `Store` under `createPostgresBackend`, by the server's clock. */
export function createPostgresStore(sql: Statements, send: Ask, within: TimeLimit): Store {
  // The server has undone the whole step, so it may be taken again: two changes of subject that evict each other's
  // record.
  async function ask(
    statement: Statement,
    values: Cell[],
    attempts = ATTEMPTS,
  ): Promise<readonly (readonly Cell[])[]> {
    try {
      return await send(statement, values)
    } catch (error) {
      if (attempts <= 1 || (error as { code?: unknown }).code !== DEADLOCK) throw error
      return ask(statement, values, attempts - 1)
    }
  }

  async function changeSecurity(
    recordId: Handle,
    change: SecurityChange,
    securityVersion: number,
    limit: SubjectLimit | undefined,
    attempts = ATTEMPTS,
  ): Promise<UpdateSecurityResult> {
    const values = [recordId, bindVersion(securityVersion), ...securityValues(change)]
    const named = change.subject !== undefined && change.subject !== null
    const [row] = await (named
      ? ask(sql.bindSubject, [...values, ...limitValues(limit)])
      : ask(sql.changeSecurity, values))
    if (row !== undefined) return securedOf(row)
    // As in `createUpdate`. A version never comes twice, so one that is as expected was so before, and it was the limit.
    const [live] = await ask(sql.liveSecurityVersion, [recordId])
    if (live === undefined) return { ok: false, reason: 'gone' }
    if (live[0] !== bindVersion(securityVersion)) return { ok: false, reason: 'conflict' }
    if (limit?.maxPerSubject !== undefined && named) return { ok: false, reason: 'limit' }
    if (attempts <= 1) return { ok: false, reason: 'conflict' }
    return changeSecurity(recordId, change, securityVersion, limit, attempts - 1)
  }

  const read = createGather(
    async (ids) => {
      const [first = null] = ids
      const one = ids.length === 1
      const rows = await (one ? ask(sql.read, [first]) : ask(sql.readMany, [ids.join(' ')]))
      return recordsOf(ids, rows)
    },
    { flights: FLIGHTS, most: MOST, within },
  )

  return {
    async create(record, limit) {
      const values = recordValues(record)
      const [row] = await (record.subject === null
        ? ask(sql.insert, values)
        : ask(sql.insertOfSubject, [...values, ...limitValues(limit)]))
      const made = row?.[0] ?? 'exists'
      if (made === 'exists' || made === 'limit') return { ok: false, reason: made }
      const [createdAt, expiresAt] = unpack(made)
      return { ok: true, createdAtMs: Number(createdAt), expiresAtMs: Number(expiresAt) }
    },

    read,

    update: createUpdate(sql, ask, within),

    async touch(recordId, secretHash, fromMs, toMs) {
      const rows = await ask(sql.touch, [recordId, secretHash, bindMs(fromMs), bindMs(toMs)])
      return rows.length > 0
    },

    updateSecurity: (recordId, change, securityVersion, limit) =>
      changeSecurity(recordId, change, securityVersion, limit),

    async delete(recordId, secretHash) {
      const [row] = await (secretHash === undefined
        ? ask(sql.remove, [recordId])
        : ask(sql.removeWithSecret, [recordId, secretHash]))
      return row?.[0] === 'live'
    },

    async list(subject) {
      const rows = await ask(sql.list, [bindText(subject)])
      return rows.map(listedOf)
    },

    async deleteSubject(subject, except) {
      return countOf(await ask(sql.endSubject, [bindText(subject), except ?? null]))
    },

    async deleteAll() {
      return countOf(await ask(sql.endAll, [null]))
    },

    async sweep(limit) {
      return countOf(await ask(sql.sweep, [bindCount(limit)]))
    },
  }
}

/** The number in the one row that a statement gives. */
export function countOf([row]: readonly (readonly Cell[])[]): number {
  return Number(row?.[0])
}

function recordValues(record: NewRecord): Cell[] {
  return [
    record.recordId,
    record.secretHash,
    bindText(record.subject),
    bindText(record.labels),
    bindText(record.extra),
    bindText(record.value),
    bindMs(record.idleMs),
    bindMs(record.absoluteMs),
    record.authenticated ? '1' : '0',
  ]
}

function limitValues({ maxPerSubject, atLimit }: SubjectLimit = {}): Cell[] {
  const most = maxPerSubject === undefined ? null : bindCount(maxPerSubject)
  return [most, atLimit === 'evict_oldest' ? '1' : '0']
}

function securityValues(change: SecurityChange): Cell[] {
  const { secretHash, previous, subject, labels, extra, authenticated } = change
  const graceMs = previous?.graceMs ?? null
  return [
    secretHash ?? null,
    given(previous),
    previous?.hash ?? null,
    graceMs === null ? null : bindMs(graceMs),
    given(subject),
    bindText(subject ?? null),
    given(labels),
    bindText(labels ?? null),
    given(extra),
    bindText(extra ?? null),
    authenticated === undefined ? null : bindMs(authenticated.absoluteMs),
  ]
}

/** Whether the caller says something; `null` is something. */
function given(said: unknown): Cell {
  return said === undefined ? '0' : '1'
}

function securedOf(row: readonly Cell[]): UpdateSecurityResult {
  const [version, expiresAt, authenticatedAt, now] = unpack(row[0])
  return {
    ok: true,
    securityVersion: Number(version),
    expiresAtMs: Number(expiresAt),
    authenticatedAtMs: nullable(authenticatedAt),
    nowMs: Number(now),
  }
}

/** The live records of `rows`, in the order of `ids`. */
function recordsOf(
  ids: readonly string[],
  rows: readonly (readonly Cell[])[],
): (StoredRecord | undefined)[] {
  const records = rows.map(recordOf)
  return inOrderOf(
    ids,
    records.filter(({ nowMs, expiresAtMs }) => nowMs < expiresAtMs),
  )
}

function recordOf([packed = null, texts = null]: readonly Cell[]): StoredRecord {
  const [fields, value] = unpackBefore(packed ?? '')
  const [id, now, version, idle, createdAt, expiresAt, deadlineAt, securityVersion] = fields
  const [previousUntil, authenticatedAt, secretHash, previousHash] = fields.slice(8)
  const [subject, labels, extra] = texts === null ? NO_TEXTS : (JSON.parse(texts) as Cell[])
  return {
    recordId: id as Handle,
    value: readText(value),
    version: Number(version),
    idleMs: Number(idle),
    createdAtMs: Number(createdAt),
    expiresAtMs: Number(expiresAt),
    deadlineMs: Number(deadlineAt),
    security: {
      secretHash: secretHash as SecretHash,
      previousHash: previousHash as SecretHash | null,
      previousUntilMs: nullable(previousUntil),
      subject: readText(subject ?? null),
      authenticatedAtMs: nullable(authenticatedAt),
      labels: readText(labels ?? null),
      extra: readText(extra ?? null),
    },
    securityVersion: Number(securityVersion),
    nowMs: Number(now),
  }
}

function listedOf([packed, labels = null]: readonly Cell[]): ListedRecord {
  const [recordId, idle, createdAt, expiresAt, deadlineAt, authenticatedAt] = unpack(packed)
  return {
    recordId: recordId as Handle,
    idleMs: Number(idle),
    createdAtMs: Number(createdAt),
    expiresAtMs: Number(expiresAt),
    deadlineMs: Number(deadlineAt),
    authenticatedAtMs: nullable(authenticatedAt),
    labels: readText(labels),
  }
}

function nullable(field: Cell | undefined): number | null {
  return field === null || field === undefined ? null : Number(field)
}
