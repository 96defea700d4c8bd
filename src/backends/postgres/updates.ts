import { createGather } from '../../core/gather.ts'
import type { Store, UpdateResult } from '../../core/store.ts'
import type { TimeLimit } from '../../core/time-limit.ts'
import type { Ask, Cell } from './client.ts'
import type { Statements } from './statements.ts'
import { bindMs, bindText, bindVersion, unpack } from './text.ts'

/** How often a step is tried anew that met two changes of its record in a row. */
export const ATTEMPTS = 3

// What goes beyond those that the connections of a usual pool are busy with goes together.
/** How many statements of one kind may be on their way at once. */
export const FLIGHTS = 8
/** How many records may be in one. */
export const MOST = 32

// A longer value costs what it costs, whoever comes along.
const LONGEST_TOGETHER = 16_384

// What the server may find wrong with one row of several: data, a serialization, a limit, a constraint or a trigger of
// the application's. It has undone all of them then. After any other fault, the outcome may be unknown.
const OF_ONE = /^(?:2[23]|40001|40P01|44|54|P0)/

/** The parameters of `setValue`. */
type Change = [recordId: string, secretHash: string, idle: Cell, version: Cell, value: Cell]

/**
 * Makes `Store.update`. New values that are asked for in one go, or while as many statements as allowed are on their
 * way, go together: one message, one commit. None of them waits for another: a record that is locked is left out, and
 * goes on alone.
 */
export function createUpdate(sql: Statements, ask: Ask, within: TimeLimit): Store['update'] {
  /** What one record has become; null when nothing was written. */
  async function alone(statement: Statements['setValue'], values: Cell[]): Promise<Cell> {
    const [row] = await ask(statement, values)
    return row?.[0] ?? null
  }

  /** What each record has become; null where nothing was written, for whatever reason. */
  async function together(changes: readonly Change[]): Promise<readonly Cell[]> {
    const [first] = changes
    if (first !== undefined && changes.length === 1) return [await alone(sql.setValue, first)]
    // Of two changes of one record, the statement would make either.
    const distinct = new Map(changes.map((change) => [change[0], change]))
    const written = await writtenOf([...distinct.values()])
    return changes.map((change) =>
      distinct.get(change[0]) === change ? (written.get(change[0]) ?? null) : null,
    )
  }

  async function writtenOf(changes: readonly Change[]): Promise<ReadonlyMap<string, Cell>> {
    const asked = changes.map(([record, secret, idle, at, text]) => ({
      record,
      secret,
      idle,
      at,
      text,
    }))
    try {
      const rows = await ask(sql.setValues, [JSON.stringify(asked)])
      return new Map(rows.map(([id, cell = null]) => [id as string, cell]))
    } catch (error) {
      if (!OF_ONE.test((error as { code?: string }).code ?? '')) throw error
      return new Map()
    }
  }

  const inCompany = createGather(together, { flights: FLIGHTS, most: MOST, within })

  return async (recordId, secretHash, { value, idleMs }, version) => {
    const idle = idleMs === undefined ? null : bindMs(idleMs)
    const at = bindVersion(version)
    const text = bindText(value ?? null)
    const change: Change = [recordId, secretHash, idle, at, text]
    const once = (): Promise<Cell> =>
      value === undefined ? alone(sql.moveExpiry, change.slice(0, -1)) : alone(sql.setValue, change)
    const isShort = value !== undefined && (text?.length ?? 0) <= LONGEST_TOGETHER
    let written = await (isShort ? inCompany(change) : once())
    for (let attempts = ATTEMPTS; written === null; attempts--) {
      // Nothing was written, so this reading may stand for the whole step: `gone` and `conflict` were true at its time.
      const [live] = await ask(sql.liveVersion, [recordId, secretHash])
      if (live === undefined) return { ok: false, reason: 'gone' }
      // Unless the record was locked, or not yet what it is now, and could be written: then it is written.
      const writable = version === undefined || live[0] === at
      if (!writable) return { ok: false, reason: 'conflict' }
      // A version that has come since the last attempt was not there then.
      if (attempts === 0) return { ok: false, reason: version === undefined ? 'gone' : 'conflict' }
      written = await once()
    }
    return updatedOf(written)
  }
}

function updatedOf(cell: Cell): UpdateResult {
  const [version, expiresAt, now] = unpack(cell ?? undefined)
  return { ok: true, version: Number(version), expiresAtMs: Number(expiresAt), nowMs: Number(now) }
}
