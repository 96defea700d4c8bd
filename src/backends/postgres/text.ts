import type { Cell } from './client.ts'

// PostgreSQL's `text` refuses U+0000, and PGlite drops a leading byte order mark when it reads a text. A text with
// either, or one that begins with the mark itself, is kept behind the mark with U+0000 and the mark escaped; every
// other text as it is. No two texts have one form, so comparing works.
const MARK = '\u0001'
const BYTE_ORDER_MARK = '\uFEFF'

/** How an opaque text is kept. */
export function bindText(text: string | null): Cell {
  if (text === null || !isAwkward(text)) return text
  return MARK + text.replaceAll(MARK, `${MARK}1`).replaceAll('\0', `${MARK}0`)
}

function isAwkward(text: string): boolean {
  return text.includes('\0') || text.startsWith(MARK) || text.startsWith(BYTE_ORDER_MARK)
}

/** The text that `bindText` bound. */
export function readText(cell: Cell): string | null {
  if (cell === null || !cell.startsWith(MARK)) return cell
  return cell.slice(1).replaceAll(`${MARK}0`, '\0').replaceAll(`${MARK}1`, MARK)
}

// What a `Date` can show. Sums of such spans fit a bigint, and numbers hold them exactly.
const LONGEST_MS = 8.64e15

/** A span or a moment in whole milliseconds, as a parameter. */
export function bindMs(ms: number): string {
  return `${Math.trunc(Math.max(-LONGEST_MS, Math.min(ms, LONGEST_MS))) || 0}`
}

/** A version that a caller expects; `null` for any. One that is no whole number is that of no record. */
export function bindVersion(version: number | undefined): Cell {
  if (version === undefined) return null
  return Number.isSafeInteger(version) ? `${version}` : '-1'
}

/** A bound on a count, of any size. */
export function bindCount(count: number): string {
  return `${Math.trunc(Math.max(0, Math.min(count, LONGEST_MS))) || 0}`
}

/** The fields that the server has packed into one cell; an empty one is null. */
export function unpack(cell: Cell | undefined): readonly Cell[] {
  return (cell ?? '').split(' ').map((field) => (field === '' ? null : field))
}

/** As `unpack`, of a cell that goes on with ` =` and a text, or with nothing for null. */
export function unpackBefore(cell: string): [fields: readonly Cell[], text: Cell] {
  const end = cell.indexOf(' =')
  return end < 0 ? [unpack(cell), null] : [unpack(cell.slice(0, end)), cell.slice(end + 2)]
}
