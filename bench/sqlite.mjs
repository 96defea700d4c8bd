// Sessions in SQLite beside the least code by hand, in files so large that neither the rows nor an index fit into
// SQLite's cache, read and written in random order.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { do_not_optimize as keep } from 'mitata'
import { createSqliteBackend } from '../dist/backends/sqlite.js'
import { createSessionManager } from '../dist/index.js'
import { createWatch } from './interleave.mjs'
import { headerOf, NAME, nextValue, valueOf } from './session.mjs'

const WEEK_MS = 604_800_000
const HOUR_MS = 3_600_000
const TABLE = 'sojourn_sessions'
// Few enough that what has just been read is in any cache still when it is written, as in a request.
const CHUNK = 64

/** Workloads on files of so many rows; `close` removes the files. */
export async function createSqliteWorkloads(rows) {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
  const [path, copy, indexed] = ['backend', 'bare', 'indexed'].map((name) => join(folder, name))
  const keys = await fill(path, rows)
  copyFileSync(path, copy)
  fillIndexed(indexed, keys)
  shuffle(keys)
  const backend = createSqliteBackend(path, { sweepEveryMs: 0 })
  const sessions = createSessionManager({ backend, cookie: { name: NAME } })
  const name = `SQLite, ${rows.toLocaleString('en')} rows`
  return {
    workloads: [
      {
        name: `${name}, read`,
        operations: 4096,
        rounds: 11,
        variants: [
          { name: 'bare get and parse', run: bareRead(open(path), keys) },
          { name: 'bare, settings of the backend', run: bareRead(openTuned(path), keys) },
          { name: 'backend.get, parsed', run: backendRead(backend, keys) },
          { name: 'manager.fromHeaders', run: managerRead(sessions, keys) },
        ],
      },
      {
        name: `${name}, write`,
        // A batch spans checkpoints, which most of a write's cost is in, and which few writes meet.
        operations: 8192,
        rounds: 7,
        variants: [
          { name: 'bare, an index on the expiry', run: bareWrite(open(indexed), 'indexed', keys) },
          { name: 'bare, no index', run: bareWrite(open(copy), TABLE, keys) },
          { name: 'backend.set at a version', run: backendWrite(backend, keys) },
          { name: 'manager.update', run: managerWrite(sessions, keys) },
        ],
      },
    ],
    close: () => {
      backend.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A database with the settings that everybody makes, and no other. */
function open(path) {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  return database
}

function openTuned(path) {
  const database = open(path)
  database.exec('PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -16384')
  return database
}

/** Sessions made within the last hour, by the backend itself; gives their keys. */
async function fill(path, rows) {
  const database = open(path)
  const startMs = Date.now() - HOUR_MS
  const keys = []
  const now = () => startMs + (HOUR_MS * keys.length) / rows
  const backend = createSqliteBackend(database, { sweepEveryMs: 0, now })
  database.exec('BEGIN')
  while (keys.length < rows) {
    keys.push(await backend.generate({ value: JSON.stringify(valueOf(keys.length)) }))
  }
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
  backend.close()
  database.close()
  return keys
}

/** The same values in a table as it is made by hand, with an index to sweep by. */
function fillIndexed(path, keys) {
  const database = open(path)
  database.exec(`CREATE TABLE indexed (
      id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX indexed_expiry ON indexed (expires_at);
    BEGIN`)
  const insert = database.prepare('INSERT INTO indexed VALUES (?, ?, ?)')
  const startMs = Date.now() - HOUR_MS + WEEK_MS
  for (const [n, key] of keys.entries()) {
    const expiresAtMs = startMs + Math.floor((HOUR_MS * n) / keys.length)
    insert.run(idOf(key), JSON.stringify(valueOf(n)), expiresAtMs)
  }
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}

function shuffle(list) {
  for (let n = list.length - 1; n > 0; n--) {
    const other = Math.floor(Math.random() * (n + 1))
    ;[list[n], list[other]] = [list[other], list[n]]
  }
}

const idOf = (key) => key.slice(0, 22)

function bareRead(database, keys) {
  const select = database.prepare(`SELECT value FROM ${TABLE} WHERE id = ?`)
  return inChunks(keys, idOf, (id) => keep(JSON.parse(select.get(id).value).count))
}

function backendRead(backend, keys) {
  return inChunks(
    keys,
    (key) => key,
    async (key) => {
      const found = await backend.get(key)
      keep(JSON.parse(found.value).count)
    },
  )
}

function managerRead(sessions, keys) {
  // As it comes from a socket: in one piece, and not of the parts that it is put together of here.
  const load = (key) => Buffer.from(headerOf(key), 'latin1').toString('latin1')
  return inChunks(keys, load, async (header) => {
    const found = await sessions.fromHeaders(header)
    keep(found.session.value.count)
  })
}

function bareWrite(database, table, keys) {
  const select = database.prepare(`SELECT value FROM ${table} WHERE id = ?`)
  const update = database.prepare(`UPDATE ${table} SET value = ?, expires_at = ? WHERE id = ?`)
  const load = (key) => {
    keep(select.get(idOf(key)))
    return idOf(key)
  }
  return inChunks(keys, load, (id) => {
    update.run(JSON.stringify(nextValue()), Date.now() + WEEK_MS, id)
  })
}

function backendWrite(backend, keys) {
  const load = async (key) => ({ key, version: (await backend.get(key)).version })
  return inChunks(keys, load, async ({ key, version }) => {
    const done = await backend.set(key, JSON.stringify(nextValue()), { version })
    if (!done.ok) throw new Error('the session was not written')
  })
}

function managerWrite(sessions, keys) {
  const load = async (key) => (await sessions.fromKey(key)).session
  return inChunks(keys, load, (session) => sessions.update(session, nextValue))
}

/** Does `run` with what `load` makes of each key in turn, and times `run` alone. */
function inChunks(keys, load, run) {
  let at = 0
  return async (operations) => {
    const watch = createWatch()
    for (let done = 0; done < operations; done += CHUNK) {
      const loaded = []
      while (loaded.length < Math.min(CHUNK, operations - done)) {
        loaded.push(await load(keys[at++ % keys.length]))
      }
      watch.start()
      for (const one of loaded) await run(one)
      watch.stop()
    }
    return watch.spent
  }
}
