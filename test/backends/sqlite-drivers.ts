import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { SqliteDatabase } from '../../src/backends/sqlite.ts'

/** A driver of SQLite that may be installed here. */
export interface Driver {
  readonly name: string
  /** Whether closing a database ends its statements; libsql's go on working, on the same file. */
  readonly closesStatements: boolean
  /** Opens a database file. `bigints` makes every integer it reads a bigint. */
  readonly open: (path: string, options?: { readonly bigints?: boolean }) => SqliteDatabase
}

interface BetterDatabase extends SqliteDatabase {
  defaultSafeIntegers(on: boolean): unknown
}

const nodeSqlite: Driver = {
  name: 'node:sqlite',
  closesStatements: true,
  open: (path, { bigints = false } = {}) => new DatabaseSync(path, { readBigInts: bigints }),
}

/** libsql speaks the interface of better-sqlite3. */
function betterDriver(name: string): Driver {
  const load = createRequire(import.meta.url)
  const Database = load(name) as new (path: string) => BetterDatabase
  return {
    name,
    closesStatements: name !== 'libsql',
    open: (path, { bigints = false } = {}) => {
      const database = new Database(path)
      if (bigints) database.defaultSafeIntegers(true)
      return database
    },
  }
}

/** The drivers to test, and why others are not. better-sqlite3 is no dependency: it compiles native code. */
export function installedDrivers(): readonly Driver[] {
  const drivers = [nodeSqlite, betterDriver('libsql')]
  try {
    drivers.push(betterDriver('better-sqlite3'))
  } catch {
    console.warn('skipped: better-sqlite3 is not installed, and is no dependency of this package')
  }
  return drivers
}

/** Makes paths of new files in one folder, which goes away after the tests of the calling file. */
export function createFolder(): { readonly path: string; readonly file: () => string } {
  const path = mkdtempSync(join(tmpdir(), 'sojourn-sqlite-'))
  let files = 0
  afterAll(() => rmSync(path, { recursive: true, force: true }))
  return { path, file: () => join(path, `${++files}.db`) }
}
