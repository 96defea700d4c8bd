import type { Handle } from '../../core/key.ts'
import type { KeptRecord } from '../../core/stored-record.ts'
import {
  hashOf,
  hasId,
  hasSubject,
  ID_LINKS,
  idHashAt,
  idOf,
  pack,
  readRecord,
  SUBJECT_LINKS,
  subjectHashAt,
  writeRecord,
} from './cell.ts'
import { createHashTable } from './hash-table.ts'
import { createSlab, EXPIRES_AT, refOf, unitOf, unitsFor } from './slab.ts'
import type { Ref } from './slab.ts'

/** Records outside the heap. What is returned is a copy. */
export interface Cells {
  /** How many there are, live or not. */
  readonly size: number
  readonly get: (recordId: Handle) => KeptRecord | undefined
  /**
   * Adds a record, or puts it in the place of the one with its id; false when the id is none.
   *
   * @throws RangeError when there is no memory for it. Nothing has changed then.
   */
  put(record: KeptRecord): boolean
  delete(recordId: Handle): void
  /** The records of a subject, live or not. */
  of(subject: string): KeptRecord[]
  /** Looks at `limit` cells at the most and removes what has expired; returns how many. It goes on where it last stopped. */
  sweep(limit: number, nowMs: number): number
  /** How many are live. */
  count(nowMs: number): number
}

// What the sight of a free cell counts beside that of a record.
const FREE_LOOK = 1 / 16

/** Makes a place for records, without any. */
export function createCells(): Cells {
  const slab = createSlab()
  const { page: pageOf } = slab
  const ids = createHashTable(slab, ID_LINKS, (ref) => idHashAt(pageOf(ref), unitOf(ref)))
  const subjects = createHashTable(slab, SUBJECT_LINKS, (ref) =>
    subjectHashAt(pageOf(ref), unitOf(ref)),
  )
  let size = 0
  // Where the next sweep begins: a page, and which cell of it. Another page may take its place meanwhile.
  let handPage = 1
  let handCell = 0

  function find(recordId: Handle): Ref {
    let ref = ids.first(hashOf(recordId))
    while (ref !== 0 && !hasId(pageOf(ref), unitOf(ref), recordId)) ref = ids.next(ref)
    return ref
  }

  function remove(ref: Ref): void {
    if (hasSubject(pageOf(ref), unitOf(ref))) subjects.remove(ref)
    ids.remove(ref)
    slab.release(ref)
    size--
  }

  /** Moves the hand to the next page; true when that is the first again. */
  function turnPage(): boolean {
    handCell = 0
    handPage = handPage + 1 < slab.pages.length ? handPage + 1 : 1
    return handPage === 1
  }

  return {
    get size() {
      return size
    },

    get(recordId) {
      const ref = find(recordId)
      return ref === 0 ? undefined : readRecord(pageOf(ref), unitOf(ref), recordId)
    },

    put(record) {
      const packed = pack(record)
      if (packed === undefined) return false
      const { subjectHash, bytes } = packed
      const units = unitsFor(bytes)
      const isOwned = record.security.subject !== null
      const old = find(record.recordId)
      if (old !== 0) {
        const page = pageOf(old)
        const unit = unitOf(old)
        const isSame = page.cellUnits === units && hasSubject(page, unit) === isOwned
        if (isSame && (!isOwned || subjectHashAt(page, unit) === subjectHash)) {
          writeRecord(page, unit, record, packed)
          return true
        }
      }
      const ref = slab.allocate(units)
      if (old !== 0) remove(old)
      writeRecord(pageOf(ref), unitOf(ref), record, packed)
      ids.insert(ref)
      if (isOwned) subjects.insert(ref)
      size++
      return true
    },

    delete(recordId) {
      const ref = find(recordId)
      if (ref !== 0) remove(ref)
    },

    of(subject) {
      const own: KeptRecord[] = []
      const hash = hashOf(subject)
      for (let ref = subjects.first(hash); ref !== 0; ref = subjects.next(ref)) {
        const page = pageOf(ref)
        if (subjectHashAt(page, unitOf(ref)) !== hash) continue
        const record = readRecord(page, unitOf(ref), idOf(page, unitOf(ref)))
        if (record.security.subject === subject) own.push(record)
      }
      // The last added comes first in its chain.
      return own.toReversed()
    },

    sweep(limit, nowMs) {
      let removed = 0
      // A step that begins in the middle of a round ends with the next one.
      for (let looked = 0, rounds = 0; looked < limit && rounds < 2;) {
        const page = slab.pages[handPage]
        if (page === undefined || handCell >= page.reached) {
          // Pages that are gone are looks too: there may be many.
          if (page === undefined) looked++
          if (turnPage()) rounds++
          continue
        }
        const unit = handCell++ * page.cellUnits
        const expiresAtMs = page.doubles[unit + EXPIRES_AT]!
        looked += Number.isNaN(expiresAtMs) ? FREE_LOOK : 1
        if (nowMs < expiresAtMs || Number.isNaN(expiresAtMs)) continue
        remove(refOf(page, unit))
        removed++
      }
      return removed
    },

    count(nowMs) {
      let live = 0
      for (const page of slab.pages) {
        if (page === undefined) continue
        for (let cell = 0; cell < page.reached; cell++) {
          if (nowMs < page.doubles[cell * page.cellUnits + EXPIRES_AT]!) live++
        }
      }
      return live
    },
  }
}
