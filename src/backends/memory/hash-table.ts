import { unitOf } from './slab.ts'
import type { Ref, Slab } from './slab.ts'

/** Finds cells by a hash. Cells of the same hash may be many. */
export interface HashTable {
  /** The first cell of the chain in which those of this hash are, or 0. */
  first(hash: number): Ref
  /** The cell after this one in its chain, or 0. */
  next(ref: Ref): Ref
  insert(ref: Ref): void
  remove(ref: Ref): void
}

const SEGMENT_BITS = 10
const SEGMENT = 1 << SEGMENT_BITS

/**
 * Makes an empty table by linear hashing (Litwin, 1980): each bucket is a chain through its cells, and each insertion
 * beyond one for each bucket splits one bucket. So no insertion takes long, however many cells there are. Buckets are
 * not joined again: four bytes remain of each cell that there was at once. Two words of each cell, from `links` on, are
 * the table's.
 */
export function createHashTable(
  { page }: Slab,
  links: number,
  hashOf: (ref: Ref) => number,
): HashTable {
  const NEXT = links
  const BEFORE = links + 1
  const segments = [new Int32Array(SEGMENT)]
  // Buckets before `split` go by one bit of the hash more than those from `split` on.
  let mask = SEGMENT - 1
  let split = 0
  let size = 0

  function bucketOf(hash: number): number {
    const bucket = hash & mask
    return bucket < split ? hash & (mask * 2 + 1) : bucket
  }

  function headOf(bucket: number): Ref {
    return segments[bucket >>> SEGMENT_BITS]![bucket & (SEGMENT - 1)]!
  }

  function setHead(bucket: number, ref: Ref): void {
    segments[bucket >>> SEGMENT_BITS]![bucket & (SEGMENT - 1)] = ref
  }

  function linkOf(ref: Ref, link: number): Ref {
    return page(ref).words[unitOf(ref) * 2 + link]!
  }

  function setLink(ref: Ref, link: number, to: Ref): void {
    page(ref).words[unitOf(ref) * 2 + link] = to
  }

  function push(ref: Ref): void {
    const bucket = bucketOf(hashOf(ref))
    const next = headOf(bucket)
    setLink(ref, NEXT, next)
    setLink(ref, BEFORE, 0)
    if (next !== 0) setLink(next, BEFORE, ref)
    setHead(bucket, ref)
  }

  function splitOne(): void {
    const added = mask + 1 + split
    if (added >>> SEGMENT_BITS === segments.length) segments.push(new Int32Array(SEGMENT))
    let ref = headOf(split)
    setHead(split++, 0)
    while (ref !== 0) {
      const next = linkOf(ref, NEXT)
      push(ref)
      ref = next
    }
    if (split <= mask) return
    mask = mask * 2 + 1
    split = 0
  }

  return {
    first: (hash) => headOf(bucketOf(hash)),
    next: (ref) => linkOf(ref, NEXT),

    insert(ref) {
      if (++size > mask + 1 + split) splitOne()
      push(ref)
    },

    remove(ref) {
      size--
      const next = linkOf(ref, NEXT)
      const before = linkOf(ref, BEFORE)
      if (next !== 0) setLink(next, BEFORE, before)
      if (before === 0) setHead(bucketOf(hashOf(ref)), next)
      else setLink(before, NEXT, next)
    },
  }
}
