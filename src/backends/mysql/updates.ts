import type { Handle, SecretHash } from '../../core/key.ts'
import type { UpdateResult } from '../../core/store.ts'
import { bytesOf } from './packing.ts'
import type { MysqlValue } from './pool.ts'
import { ALONE, CLOCK } from './transaction.ts'

/*
 * A change of one row by one plain statement costs half of what a procedure costs. All that it can tell is one number, by
 * LAST_INSERT_ID, of which JavaScript keeps 53 bits: 2 for the outcome, 36 for the span from the clock to the new expiry,
 * and 15 for the clock, counted from a moment near it that the caller names. A change whose number does not fit, or that
 * nobody would commit, is left undone, and the procedure does it.
 */
const SPAN_LIMIT = 2 ** 36
const CLOCK_LIMIT = 2 ** 15
const GONE = 1
const CONFLICT = 2
const UNDONE = 3
const DONE = 4

// The clock of a statement stands still from its beginning, and it may have to wait for a lock. SYSDATE() goes on, in
// local time: between the two lies the wait, or the wait and a step of the local time by so many half hours. A clock that
// was set back meanwhile, by up to a minute, is a wait of less than nothing.
const WAITED = `((TIMESTAMPDIFF(MICROSECOND, NOW(3), SYSDATE(3)) DIV 1000 + 86460000) MOD 1800000 - 60000)`
// Until when the secret is good for this record.
const GOOD_UNTIL = `CASE ? WHEN secret_hash THEN expires_at
    WHEN previous_hash THEN LEAST(expires_at, COALESCE(previous_until, expires_at)) ELSE 0 END`
const GONE_NOW = `${GOOD_UNTIL} <= ${CLOCK} + ${WAITED}`

// The row is found by its key, and locked before its code is computed: nothing else may stand beside the code.
const changing = (changes: string, code: string): string =>
  `UPDATE {table} FORCE INDEX (PRIMARY) SET ${changes}
  WHERE id = ? AND LAST_INSERT_ID(${code}) BETWEEN ${DONE} AND ${Number.MAX_SAFE_INTEGER}`

// Within the record's life the deadline lies ahead, so the span is at least 1 if the idle one is.
const code = (idle: string): string => `CASE WHEN ${GONE_NOW} THEN ${GONE}
    WHEN version <> ? THEN ${CONFLICT}
    WHEN NOT ${ALONE} OR ${idle} NOT BETWEEN 1 AND ${SPAN_LIMIT - 1} THEN ${UNDONE}
    ELSE (${CLOCK} - ?) * ${DONE * SPAN_LIMIT}e0 + LEAST(${idle}, deadline_at - ${CLOCK}) * ${DONE} END`

const NEW_VALUE = 'value = ?, version = version + 1'
const SAME_IDLE = `expires_at = LEAST(${CLOCK} + idle_ms, deadline_at)`
const NEW_IDLE = `expires_at = LEAST(${CLOCK} + ?, deadline_at), idle_ms = ?`

/** What a plain statement can do to one row. */
export type Change = 'renew' | 'setIdle' | 'setValue' | 'setBoth' | 'touch'

/** The statements. */
export const CHANGES: Readonly<Record<Change, string>> = {
  renew: changing(SAME_IDLE, code('idle_ms')),
  setIdle: changing(NEW_IDLE, code('?')),
  setValue: changing(`${NEW_VALUE}, ${SAME_IDLE}`, code('idle_ms')),
  setBoth: changing(`${NEW_VALUE}, ${NEW_IDLE}`, code('?')),
  touch: changing(
    `expires_at = LEAST(?, deadline_at)`,
    `IF(${GONE_NOW} OR expires_at <> ?, ${GONE}, ${DONE})`,
  ),
}

/** An update of a record, whole numbers that the server can add to others. */
export interface Update {
  readonly recordId: Handle
  readonly secretHash: SecretHash
  /** Left out, the value stays. */
  readonly value: string | null | undefined
  /** Left out, the record's own. */
  readonly idleMs: number | undefined
  /** Left out, any; 0 is none that a record has. */
  readonly version: number | undefined
}

/** An update of a record at a version. */
export interface VersionedUpdate extends Update {
  readonly version: number
  /** About the server's clock, whole milliseconds. */
  readonly aboutMs: number
}

/** The statement that makes an update, and what is bound to it. */
export function statementOf(
  update: VersionedUpdate,
): readonly [name: Change, values: MysqlValue[]] {
  const { value, idleMs, version } = update
  const values: MysqlValue[] = value === undefined ? [] : [bytesOf(value)]
  const row = [bytesOf(update.recordId), bytesOf(update.secretHash), version] as const
  if (idleMs === undefined) {
    return [value === undefined ? 'renew' : 'setValue', [...values, ...row, fromOf(update)]]
  }
  return [
    value === undefined ? 'setIdle' : 'setBoth',
    [...values, idleMs, idleMs, ...row, idleMs, fromOf(update), idleMs],
  ]
}

/** What the code of an update says; `undefined` when it is left undone. */
export function updateResultOf(code: number, update: VersionedUpdate): UpdateResult | undefined {
  if (code <= GONE && code >= 0) return { ok: false, reason: 'gone' }
  if (code === CONFLICT) return { ok: false, reason: 'conflict' }
  if (code < DONE || code > Number.MAX_SAFE_INTEGER) return undefined
  const rest = code / DONE
  const nowMs = fromOf(update) + Math.floor(rest / SPAN_LIMIT)
  const version = update.value === undefined ? update.version : update.version + 1
  return { ok: true, version, expiresAtMs: nowMs + (rest % SPAN_LIMIT), nowMs }
}

/** What is bound to `touch`. */
export function touchValues(
  recordId: Handle,
  secretHash: SecretHash,
  fromMs: number,
  toMs: number,
): MysqlValue[] {
  return [toMs, bytesOf(recordId), bytesOf(secretHash), fromMs]
}

/** Whether the code of a touch says that it moved the expiry. */
export function touchedOf(code: number): boolean {
  return code === DONE
}

function fromOf({ aboutMs }: VersionedUpdate): number {
  return aboutMs - CLOCK_LIMIT / 2
}
