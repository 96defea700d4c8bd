import type { Awaitable } from '../../core/backend.ts'
import { createGather, inOrderOf } from '../../core/gather.ts'
import type { StoredRecord } from '../../core/store.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import { answerOf, rowsOf } from './ask.ts'
import type { MysqlAsk } from './ask.ts'
import { bytesOf, PACKED_RECORD, recordOf } from './packing.ts'
import { CLOCK } from './transaction.ts'
import { fill } from './schema.ts'

// Reads beyond those that the connections of a usual pool are busy with go together.
const FLIGHTS = 8
// Each size is a prepared statement of its own; the first name is said again until there are so many.
const SIZES = [1, 2, 4, 8, 16, 32] as const
const MOST = 32

/** Reads one live record, within the time limit; several that are asked for at once, by one statement. */
export type Read = (recordId: string) => Promise<StoredRecord | undefined>

/** Makes the `Read` of a table. `onRead` learns what the server's clock told. */
export function createRead(
  ask: MysqlAsk,
  table: string,
  within: TimeLimit,
  onRead: (nowMs: number) => void,
): Read {
  const statements = new Map(SIZES.map((size) => [size as number, reading(table, size)]))

  async function readMany(
    ids: readonly string[],
  ): Promise<readonly Awaitable<StoredRecord | undefined>[]> {
    const size = SIZES.find((size) => size >= ids.length) ?? MOST
    const names = Array.from({ length: size }, (_, at) => bytesOf(ids[at] ?? (ids[0] as string)))
    const answers = rowsOf(await ask(statements.get(size) as string, names))
    // One that the server cannot send is not named: none of the others may fail for it.
    if (ids.length > 1 && answers.some(([answer]) => answer === null)) return ids.map(readOne)
    const records = answers.map((row) => recordOf(answerOf(row)))
    for (const { nowMs } of records) onRead(nowMs)
    return inOrderOf(ids, records)
  }

  async function readOne(id: string): Promise<StoredRecord | undefined> {
    const [record] = await readMany([id])
    return record
  }

  return createGather(readMany, { flights: FLIGHTS, most: MOST, within })
}

function reading(table: string, size: number): string {
  const which = size === 1 ? '= ?' : `IN (${Array.from({ length: size }, () => '?').join(', ')})`
  return fill(
    `SELECT ${PACKED_RECORD} AS answer FROM {table} FORCE INDEX (PRIMARY)
    WHERE id ${which} AND expires_at > ${CLOCK}`,
    table,
  )
}
