import { DatabaseSync } from 'node:sqlite'
import { createSqliteBackend } from '../../../src/backends/sqlite.ts'
import { createSessionManager, isKey } from '../../../src/index.ts'
import { handleOf } from '../../../src/core/key.ts'
import { wholeCountOf } from './journal.ts'
import type { Entry, Operation } from './journal.ts'

/** What is known of one session: what was acknowledged, and what was under way when the writer died. */
interface Known {
  key: string
  count: number
  cleared: boolean
  /** Keys that a rotation has replaced. */
  readonly deadKeys: string[]
  underWay: Operation | undefined
  /** Rotated, but the new key died with the writer: the record must stay, and no key is good for it. */
  orphaned: boolean
}

/** What a look at the file found. All but `checked` and `unacknowledged` must be 0. */
export interface Findings {
  /** Sessions looked at. */
  readonly checked: number
  /** Acknowledged creations, updates or rotations that are not there. */
  readonly lost: number
  /** Cleared sessions, or keys that were rotated away, that are good again. */
  readonly revived: number
  /** Values that are not whole, unknown records without a creation under way, and faults of the file itself. */
  readonly torn: number
  /** Operations that were done but whose acknowledgement the kill cut off. */
  readonly unacknowledged: number
}

interface Record {
  readonly count: number | undefined
}

/** All that the writers of a file have said, and what may therefore be in it. */
export function createHistory() {
  const known = new Map<string, Known>()
  // Records that a creation under way left behind: nobody knows their keys.
  const nameless = new Set<string>()
  let creating = 0

  function add(entries: readonly Entry[]): void {
    creating = 0
    for (const entry of entries) {
      const session = known.get(entry.session)
      if (entry.step === 'try') {
        if (session === undefined) creating++
        else session.underWay = entry.operation
      } else if (session === undefined) {
        creating--
        const { key = '', count } = entry
        known.set(entry.session, {
          key,
          count,
          cleared: false,
          deadKeys: [],
          underWay: undefined,
          orphaned: false,
        })
      } else {
        acknowledge(session, entry)
      }
    }
  }

  /** Looks at every session there ever was. What was under way is settled by what is found. */
  async function check(path: string): Promise<Findings> {
    const backend = createSqliteBackend(path, { sweepEveryMs: 0 })
    const sessions = createSessionManager({ backend })
    const records = readRecords(path)
    let [lost, revived, torn, unacknowledged] = [0, 0, records.faults, 0]
    const good = async (key: string): Promise<boolean> => (await sessions.fromKey(key)).ok
    for (const [name, session] of known) {
      const before = lost + revived + torn
      const handle = handleOf(session.key as Parameters<typeof handleOf>[0])
      const record = records.byId.get(handle)
      records.byId.delete(handle)
      for (const key of session.deadKeys) if (await good(key)) revived++
      const verdict = verdictOf(session, record, await good(session.key))
      if (verdict === 'lost') lost++
      if (verdict === 'revived') revived++
      if (verdict === 'torn') torn++
      if (verdict === 'unacknowledged') unacknowledged++
      settle(session, record, verdict)
      if (lost + revived + torn === before) continue
      // A fault is counted once: from here on this is a record like those that nobody knows.
      known.delete(name)
      nameless.add(handle)
    }
    const strangers = [...records.byId].filter(([id]) => !nameless.has(id))
    torn += strangers.filter(([, { count }]) => count !== 0).length
    torn += Math.max(0, strangers.length - creating)
    unacknowledged += Math.min(strangers.length, creating)
    for (const [id] of strangers) nameless.add(id)
    backend.close()
    return { checked: known.size, lost, revived, torn, unacknowledged }
  }

  return { add, check }
}

function acknowledge(session: Known, { operation, key = '', count }: Entry): void {
  if (!isKey(key)) throw new Error('the journal acknowledges without a key')
  if (operation === 'rotate' && key !== session.key) session.deadKeys.push(session.key)
  session.key = key
  session.count = count
  session.cleared = operation === 'clear'
  session.underWay = undefined
}

type Verdict = 'kept' | 'unacknowledged' | 'lost' | 'revived' | 'torn'

function verdictOf(session: Known, record: Record | undefined, keyGood: boolean): Verdict {
  const { underWay, count, cleared, orphaned } = session
  if (cleared) return record !== undefined || keyGood ? 'revived' : 'kept'
  if (record === undefined) return underWay === 'clear' ? 'unacknowledged' : 'lost'
  if (record.count === undefined) return 'torn'
  if (!keyGood && !orphaned)
    return underWay === 'rotate' && record.count === count ? 'unacknowledged' : 'lost'
  if (record.count === count) return 'kept'
  return underWay === 'update' && record.count === count + 1 ? 'unacknowledged' : 'lost'
}

/** From now on, what was found is what must stay. */
function settle(session: Known, record: Record | undefined, verdict: Verdict): void {
  const { underWay } = session
  session.underWay = undefined
  if (verdict !== 'unacknowledged') return
  if (underWay === 'rotate') {
    session.deadKeys.push(session.key)
    session.orphaned = true
  }
  if (underWay === 'clear') session.cleared = true
  if (underWay === 'update') session.count = record?.count ?? session.count
}

/** Every record of the file as it is, past the backend. */
function readRecords(path: string): { byId: Map<string, Record>; faults: number } {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('SELECT id, value FROM sojourn_sessions').all()
  const check = database.prepare('PRAGMA integrity_check').all()
  database.close()
  const byId = new Map<string, Record>()
  for (const { id, value } of rows) byId.set(String(id), { count: countOf(value) })
  const sound = check.length === 1 && check[0]?.['integrity_check'] === 'ok'
  return { byId, faults: sound ? 0 : 1 }
}

function countOf(value: unknown): number | undefined {
  try {
    return wholeCountOf(JSON.parse(String(value)))
  } catch {
    return undefined
  }
}
