/**
 * Bytes outside the heap, cut into cells of one size, with views of all of it. The garbage collector sees a page and
 * none of its cells.
 */
export interface Page {
  readonly bytes: Buffer
  readonly doubles: Float64Array
  readonly words: Int32Array
  /** The size of its cells, in units of 8 bytes. */
  readonly cellUnits: number
  readonly cells: number
  /** Its place in the list of pages. */
  readonly index: number
  /** How many cells have ever been in use: those after them are untouched. */
  reached: number
  inUse: number
  /** The first of the cells that have been given back, by its unit, or -1. */
  free: number
}

/**
 * A cell: the index of its page and the unit in it where it starts, in one 32-bit integer; 0 is none. 2^18 pages of
 * 128 KiB, and bigger ones of a single cell.
 */
export type Ref = number

/** A slab allocator: a cell costs its bytes, rounded up by at most a sixteenth or to 8. */
export interface Slab {
  /** @throws RangeError when there is no memory for it. Nothing has changed then. */
  allocate(units: number): Ref
  /** Gives a cell back. A page goes with its last one, unless it alone of its size has room. */
  release(ref: Ref): void
  readonly page: (ref: Ref) => Page
  /** By their indexes, which begin at 1. */
  readonly pages: readonly (Page | undefined)[]
}

const UNIT = 8
const UNIT_BITS = 14
const PAGE_UNITS = 1 << UNIT_BITS
const MAX_PAGES = 1 << (32 - UNIT_BITS)
// Beyond it, a cell has a page to itself: its rest would be wasted on most pages.
const SHARED_UNITS = PAGE_UNITS / 8

/** The double of a cell that is NaN when it has been given back. */
export const EXPIRES_AT = 0
// While it is free, the word after it leads to the next that is free.
const NEXT_FREE = 2

/** The size of the cell for so many bytes. */
export function unitsFor(bytes: number): number {
  const units = (bytes + UNIT - 1) >>> 3
  // 32 units and fewer are exact; beyond, the five highest bits say the size.
  const shift = Math.max(0, 27 - Math.clz32(units - 1))
  return (((units - 1) >> shift) + 1) << shift
}

/** The unit where a cell starts in its page. */
export function unitOf(ref: Ref): number {
  return ref & (PAGE_UNITS - 1)
}

/** The cell that starts at `unit` of the page. */
export function refOf({ index }: Page, unit: number): Ref {
  return (index << UNIT_BITS) | unit
}

/** Makes a slab without pages. */
export function createSlab(): Slab {
  const pages: (Page | undefined)[] = [undefined]
  const vacant: number[] = []
  // By the size of their cells: the pages that have room.
  const open = new Map<number, Set<Page>>()

  function openPage(cellUnits: number): Page {
    const index = vacant.at(-1) ?? pages.length
    if (index >= MAX_PAGES) throw new RangeError('the memory of the sessions is full')
    const page = pageOf(index, cellUnits)
    vacant.pop()
    pages[index] = page
    roomOf(cellUnits).add(page)
    return page
  }

  function roomOf(cellUnits: number): Set<Page> {
    let room = open.get(cellUnits)
    if (room === undefined) open.set(cellUnits, (room = new Set()))
    return room
  }

  return {
    allocate(units) {
      const room = roomOf(units)
      const [first] = room
      const page = first ?? openPage(units)
      let unit = page.free
      if (unit < 0) unit = page.reached++ * units
      else page.free = page.words[unit * 2 + NEXT_FREE]!
      page.inUse++
      if (page.inUse === page.cells) room.delete(page)
      return refOf(page, unit)
    },

    release(ref) {
      const page = pages[ref >>> UNIT_BITS]!
      const room = roomOf(page.cellUnits)
      const unit = unitOf(ref)
      page.doubles[unit + EXPIRES_AT] = NaN
      page.words[unit * 2 + NEXT_FREE] = page.free
      page.free = unit
      page.inUse--
      room.add(page)
      if (page.inUse > 0 || (room.size === 1 && page.cells > 1)) return
      room.delete(page)
      pages[page.index] = undefined
      vacant.push(page.index)
    },

    page: (ref) => pages[ref >>> UNIT_BITS]!,
    pages,
  }
}

function pageOf(index: number, cellUnits: number): Page {
  const cells = cellUnits > SHARED_UNITS ? 1 : Math.floor(PAGE_UNITS / cellUnits)
  const buffer = new ArrayBuffer(cells * cellUnits * UNIT)
  return {
    bytes: Buffer.from(buffer),
    doubles: new Float64Array(buffer),
    words: new Int32Array(buffer),
    cellUnits,
    cells,
    index,
    reached: 0,
    inUse: 0,
    free: -1,
  }
}
