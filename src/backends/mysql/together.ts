import { createGather } from '../../core/gather.ts'
import type { UpdateResult } from '../../core/store.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import { answersOf, isOfOneRow } from './ask.ts'
import type { MysqlAsk } from './ask.ts'
import { CLOCK, COMMIT, START_READ_COMMITTED, UNDO } from './transaction.ts'
import type { Update } from './updates.ts'

// What goes beyond those that the connections of a usual pool are busy with goes together.
const FLIGHTS = 8
/** How many records may be in one call. */
const MOST = 32
// A longer value costs what it costs, whoever comes along. So many of these are half of the smallest max_allowed_packet.
const LONGEST_BYTES = 16_384

/*
 * What goes to the server: the record ids, each with a comma behind it; as many heads, each a secret's hash and four
 * numbers; and the values in one. All of an id and of a head are as long as another, so that a record's are found by where
 * its id stands.
 */
const ID = 22
const HASH = 43
const NUMBER = 16
const HEAD = HASH + 4 * NUMBER

const AT = `(LOCATE(id, p_ids) DIV ${ID + 1})`
const SECRET = `SUBSTRING(p_heads, ${AT} * ${HEAD} + 1, ${HASH})`
const number = (nth: number): string =>
  `CAST(SUBSTRING(p_heads, ${AT} * ${HEAD} + ${HASH + nth * NUMBER + 1}, ${NUMBER}) AS SIGNED)`
// 0 is any version, and the record's own span.
const VERSION = number(0)
const IDLE = `COALESCE(NULLIF(${number(1)}, 0), idle_ms)`
const VALUE = `SUBSTRING(p_values, ${number(2)} + 1, ${number(3)})`
const EXPIRES = `LEAST(v_now + ${IDLE}, deadline_at)`
const ids = (oneOf: (id: string, bit: number) => string): string =>
  Array.from({ length: MOST }, (_, at) =>
    oneOf(`SUBSTRING(p_ids, ${at * (ID + 1) + 1}, ${ID})`, 2 ** at),
  ).join(', ')
// No other row is looked at, so none of these statements waits for one.
const CHANGEABLE = `id IN (${ids((id, bit) => `IF(v_locked & ${bit}, ${id}, NULL)`)})
    AND expires_at > v_now AND ${VERSION} IN (0, version) AND (secret_hash = ${SECRET}
      OR (previous_hash = ${SECRET} AND (previous_until IS NULL OR previous_until > v_now)))`

/**
 * The parameters and the body of the procedure that makes several updates with a value: of those whose rows nobody has
 * locked. It answers, for each that it makes, the id and what the record becomes; what fails then undoes all of them.
 */
export const UPDATE_MANY: readonly [parameters: string, body: string] = [
  `p_ids VARBINARY(${MOST * (ID + 1)}), p_heads VARBINARY(${MOST * HEAD}), p_values LONGBLOB`,
  `DECLARE v_now BIGINT;
  DECLARE v_locked BIGINT UNSIGNED;
  ${UNDO}
  ${START_READ_COMMITTED}
  SELECT BIT_OR(1 << ${AT}) INTO v_locked FROM {table} FORCE INDEX (PRIMARY)
    WHERE id IN (${ids((id) => id)}) FOR UPDATE SKIP LOCKED;
  SET v_now = ${CLOCK};
  SELECT CONCAT_WS(',', id, version + 1, ${EXPIRES}, v_now) AS answer FROM {table} FORCE INDEX (PRIMARY)
    WHERE ${CHANGEABLE} LIMIT ${MOST} FOR UPDATE;
  UPDATE {table} FORCE INDEX (PRIMARY)
    SET value = ${VALUE}, version = version + 1, idle_ms = ${IDLE}, expires_at = ${EXPIRES}
    WHERE ${CHANGEABLE};
  ${COMMIT};`,
]

/** Makes an update, whatever else is asked for. */
export type MakeUpdate = (update: Update) => Promise<UpdateResult>

/**
 * Makes `alone` one that puts together what is asked for in one go, or while as many calls as allowed are on their way:
 * one message, one transaction. None waits for another: one whose record is locked, and one that cannot be made for any
 * other reason, goes on alone.
 */
export function createTogether(
  ask: MysqlAsk,
  calling: string,
  alone: MakeUpdate,
  within: TimeLimit,
): MakeUpdate {
  /** What each record has become; `undefined` where nothing was written, for whatever reason. */
  async function together(
    updates: readonly Update[],
  ): Promise<readonly (UpdateResult | undefined)[]> {
    const [first] = updates
    if (first !== undefined && updates.length === 1) return [await alone(first)]
    // Of two of one record, one can be made at a time.
    const distinct = new Map(updates.map((update) => [update.recordId, update]))
    // Those of one record alone wait for one another, whatever is done.
    if (distinct.size === 1) return updates.map(() => undefined)
    const written = await writtenOf([...distinct.values()])
    return updates.map((update) =>
      distinct.get(update.recordId) === update ? written.get(update.recordId) : undefined,
    )
  }

  async function writtenOf(updates: readonly Update[]): Promise<ReadonlyMap<string, UpdateResult>> {
    try {
      return new Map(answersOf(await ask(calling, packed(updates))).map(writtenIn))
    } catch (error) {
      if (!isOfOneRow(error)) throw error
      return new Map()
    }
  }

  const inCompany = createGather(together, { flights: FLIGHTS, most: MOST, within })

  return async (update) => (fits(update) ? await inCompany(update) : undefined) ?? alone(update)
}

/** Whether an update can be told to the procedure. */
function fits({ recordId, secretHash, value, idleMs = 1, version = 1 }: Update): boolean {
  return (
    typeof value === 'string' &&
    Buffer.byteLength(value) <= LONGEST_BYTES &&
    idleMs > 0 &&
    version > 0 &&
    recordId.length === ID &&
    secretHash.length === HASH
  )
}

function packed(updates: readonly Update[]): Buffer[] {
  let [ids, heads, end] = ['', '', 0]
  const values = updates.map(({ recordId, secretHash, value, idleMs = 0, version = 0 }) => {
    const bytes = Buffer.from(value ?? '')
    ids += `${recordId},`
    heads += secretHash
    for (const number of [version, idleMs, end, bytes.length]) {
      heads += String(number).padStart(NUMBER, '0')
    }
    end += bytes.length
    return bytes
  })
  return [Buffer.from(ids), Buffer.from(heads), Buffer.concat(values, end)]
}

function writtenIn(answer: Buffer): [recordId: string, written: UpdateResult] {
  const [recordId = '', version, expiresAtMs, nowMs] = answer.toString('latin1').split(',')
  return [
    recordId,
    {
      ok: true,
      version: Number(version),
      expiresAtMs: Number(expiresAtMs),
      nowMs: Number(nowMs),
    },
  ]
}
