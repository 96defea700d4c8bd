// Reads and writes of sessions: bare, by hand, and through the manager, on memory and on SQLite.
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { do_not_optimize as keep } from 'mitata'
import { createSessionManager } from '../dist/index.js'
import { createCookieBackend } from '../dist/backends/cookie.js'
import { createMemoryBackend, createMemoryStore } from '../dist/backends/memory.js'
import { createSqliteBackend } from '../dist/backends/sqlite.js'
import { prepareFile } from '../dist/backends/sqlite/schema.js'
import { createSqliteStore } from '../dist/backends/sqlite/store.js'
import { readCookies } from '../dist/http/cookie-header.js'
import { at, headerOf, NAME, nextValue, SESSIONS, valueOf } from './session.mjs'

const WEEK_MS = 604_800_000

/** Makes all workloads; `close` removes what they left on disk. */
export async function createWorkloads() {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
  const memory = await createEngine(createMemoryBackend({ sweepEveryMs: 0 }), createMemoryStore())
  // Sessions of its own: those that are held to be written to would be of an older version.
  const both = await createEngine(createMemoryBackend({ sweepEveryMs: 0 }), createMemoryStore())
  const sealed = await createEngine(
    createMemoryBackend({ sweepEveryMs: 0, sealed: true }),
    createMemoryStore(),
  )
  const cookie = await createEngine(
    createCookieBackend({ secrets: ['x'.repeat(32)], audience: 'bench' }),
    createMemoryStore(),
  )
  const path = join(folder, 'sessions.db')
  const database = new DatabaseSync(join(folder, 'by-hand.db'))
  prepareFile(database, 'sessions', 'NORMAL')
  const sqliteBackend = createSqliteBackend(path, { sweepEveryMs: 0 })
  const sqlite = await createEngine(
    sqliteBackend,
    createSqliteStore(database, 'sessions', Date.now),
  )
  const bareMap = createBareMap()
  const bareSqlite = createBareSqlite(join(folder, 'bare.db'))
  return {
    workloads: [
      workload('memory, read', bareMap.read, memory.handRead, memory.read),
      workload('memory, write', bareMap.write, memory.handWrite, memory.write),
      workload('memory, read and write', bareMap.both, both.handBoth, both.both),
      besideMemory('without a store, read', 'manager on cookies', memory.read, cookie.read),
      besideMemory('without a store, write', 'manager on cookies', memory.write, cookie.write),
      besideMemory('sealed, read', 'manager on memory, sealed', memory.read, sealed.read),
      besideMemory('sealed, write', 'manager on memory, sealed', memory.write, sealed.write),
      workload('SQLite, read', bareSqlite.read, sqlite.handRead, sqlite.read),
      workload('SQLite, write', bareSqlite.write, sqlite.handWrite, sqlite.write),
    ],
    close: () => {
      sqliteBackend.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function workload(name, bare, hand, manager) {
  return {
    name,
    variants: [
      { name: 'bare', run: bare },
      { name: 'by hand', run: hand },
      { name: 'manager', run: manager },
    ],
  }
}

/** What another way to keep a session costs, against memory; both through the manager. */
function besideMemory(name, other, memory, run) {
  const base = { name: 'manager on memory', run: memory }
  return { name, variants: [base, { name: other, run }] }
}

function createBareMap() {
  const map = new Map()
  for (let n = 0; n < SESSIONS; n++) map.set(`session-${n}`, JSON.stringify(valueOf(n)))
  const keys = [...map.keys()]
  return {
    read: (operations) => {
      for (let n = 0; n < operations; n++) keep(JSON.parse(map.get(keys[at(n)])).count)
    },
    write: (operations) => {
      for (let n = 0; n < operations; n++) map.set(keys[at(n)], JSON.stringify(nextValue()))
    },
    both: (operations) => {
      for (let n = 0; n < operations; n++) {
        const key = keys[at(n)]
        keep(JSON.parse(map.get(key)).count)
        map.set(key, JSON.stringify(nextValue()))
      }
    },
  }
}

function createBareSqlite(path) {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  database.exec('CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT')
  const insert = database.prepare('INSERT INTO sessions VALUES (?, ?)')
  const keys = Array.from({ length: SESSIONS }, () => hash('sha256', Math.random().toString()))
  for (const [n, key] of keys.entries()) insert.run(key, JSON.stringify(valueOf(n)))
  const select = database.prepare('SELECT value FROM sessions WHERE id = ?')
  const update = database.prepare('UPDATE sessions SET value = ? WHERE id = ?')
  return {
    read: (operations) => {
      for (let n = 0; n < operations; n++) keep(JSON.parse(select.get(keys[at(n)]).value).count)
    },
    write: (operations) => {
      for (let n = 0; n < operations; n++) update.run(JSON.stringify(nextValue()), keys[at(n)])
    },
  }
}

/**
 * The manager on a backend; and on a store the least that can give the same guarantees: find the cookie, hash
 * the secret, make one call of the store, and decode only if somebody looks.
 */
async function createEngine(backend, store) {
  const sessions = createSessionManager({ backend, cookie: { name: NAME } })
  const held = []
  for (let n = 0; n < SESSIONS; n++) held.push(await sessions.generate(valueOf(n)))
  const keys = held.map(({ key }) => key)
  const headers = keys.map(headerOf)
  for (const [n, key] of keys.entries()) await createByHand(store, key, JSON.stringify(valueOf(n)))
  return {
    read: async (operations) => {
      for (let n = 0; n < operations; n++) {
        const found = await sessions.fromHeaders(headers[at(n)])
        keep(found.session.value.count)
      }
    },
    handRead: async (operations) => {
      for (let n = 0; n < operations; n++) {
        const found = await readByHand(store, headers[at(n)])
        keep(JSON.parse(found.value).count)
      }
    },
    write: async (operations) => {
      for (let n = 0; n < operations; n++) {
        await sessions.set(held[at(n)], { value: nextValue() })
      }
    },
    handWrite: async (operations) => {
      for (let n = 0; n < operations; n++) {
        await writeByHand(store, keys[at(n)], JSON.stringify(nextValue()))
      }
    },
    both: async (operations) => {
      for (let n = 0; n < operations; n++) {
        const { session } = await sessions.fromHeaders(headers[at(n)])
        keep(session.value.count)
        await sessions.set(session, { value: nextValue() })
      }
    },
    handBoth: async (operations) => {
      for (let n = 0; n < operations; n++) {
        const found = await readByHand(store, headers[at(n)])
        keep(JSON.parse(found.value).count)
        await writeByHand(store, keys[at(n)], JSON.stringify(nextValue()), found.version)
      }
    },
  }
}

function createByHand(store, key, value) {
  return store.create({
    recordId: key.slice(0, 22),
    value,
    idleMs: WEEK_MS,
    absoluteMs: WEEK_MS,
    secretHash: hash('sha256', key.slice(23), 'base64url'),
    subject: null,
    authenticated: false,
    labels: null,
    extra: null,
  })
}

async function readByHand(store, header) {
  const [key] = readCookies(header, NAME)
  const secretHash = hash('sha256', key.slice(23), 'base64url')
  const record = await store.read(key.slice(0, 22))
  return record.security.secretHash === secretHash ? record : undefined
}

async function writeByHand(store, key, value, version) {
  const secretHash = hash('sha256', key.slice(23), 'base64url')
  const change = { value, idleMs: WEEK_MS }
  const result = await store.update(key.slice(0, 22), secretHash, change, version)
  if (!result.ok) throw new Error('the session is gone')
}
