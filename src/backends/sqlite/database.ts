/** What is bound to a statement. */
export type SqliteValue = string | number | null | Uint8Array

/** The part of a prepared statement that this backend calls. */
export interface SqliteStatement {
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint }
  get(...parameters: SqliteValue[]): unknown
  all(...parameters: SqliteValue[]): unknown[]
  /** Only `node:sqlite` has it, from Node 22.16 on: rows are arrays from then on, and cost less. */
  setReturnArrays?(enabled: boolean): void
}

/** The common subset of `node:sqlite`, better-sqlite3, libsql and bun:sqlite that this backend calls. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** A row as every driver gives it: an object by column name. */
export type NamedRow = Readonly<Record<string, unknown>>

/** A row as the columns of the statement, in their order. */
export type Row = readonly unknown[]

const encoder = new TextEncoder()
// `ignoreBOM` means to keep it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * How an opaque text is bound. Some drivers end a TEXT at U+0000 when they read it back, so that one is
 * kept as a BLOB; the same text always has the same form, so comparing still works.
 */
export function bindText(text: string | null): string | null | Uint8Array {
  return text !== null && text.includes('\0') ? encoder.encode(text) : text
}

/** The text that `bindText` bound. */
export function readText(column: unknown): string | null {
  if (column === null || typeof column === 'string') return column
  return decoder.decode(column as Uint8Array)
}

/** A number, which a driver in 64-bit mode gives as a bigint. */
export function readNumber(column: unknown): number {
  return Number(column)
}

/** A number or null. */
export function readNullable(column: unknown): number | null {
  return column === null ? null : Number(column)
}

// What a `Date` can show. Sums of such spans stay exact in SQLite's integers and in numbers.
const LONGEST_MS = 8.64e15

/** A span of milliseconds that every sum has room for. */
export function bounded(spanMs: number): number {
  return Math.max(-LONGEST_MS, Math.min(spanMs, LONGEST_MS))
}
