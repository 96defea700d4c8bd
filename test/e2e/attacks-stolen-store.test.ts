// A reader of the store – of its disk, a backup, a replica – tries all that they find as a cookie. For the engines on a
// disk, that is every file of theirs: tables, logs of writes, indexes.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openSessions } from '../../demo/sessions.ts'
import { createMemoryStore } from '../../src/backends/memory.ts'
import { secretHashOf } from '../../src/core/key.ts'
import type { Handle, Key } from '../../src/core/key.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import type { SessionBackend } from '../../src/core/session-backend.ts'
import { createSessionManager } from '../../src/manager.ts'
import { serveNode } from '../adapters/servers/node.ts'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'
import type { TestServer } from '../servers/server-process.ts'
import { createVisitor, handleIn, keyIn, pairWith, shop } from './support/target.ts'
import type { Basket, Target, Visitor } from './support/target.ts'

// The same text in hexadecimal, and in base64 from each of the three places where a group of characters may begin.
const ENCODED = [
  Buffer.from('5ealed-').toString('hex'),
  Buffer.from('5ealed-').toString('base64').slice(0, 9),
  Buffer.from('x5ealed-').toString('base64').slice(2, 10),
  Buffer.from('xx5ealed-').toString('base64').slice(3, 12),
]

/** Two backends on one store, of which one seals its values, and all that the store holds. */
interface Loot {
  readonly backend: SessionBackend
  readonly sealed: SessionBackend
  readonly take: (handle: Handle) => Promise<readonly Buffer[]>
  readonly close: () => Promise<void>
}

const HASH_CHARACTERS = 43
const HASH_BYTES = 32
const AT_ONCE = 4
// How far from a handle the rest of its record may be.
const AROUND = 1024

const ENGINES: Readonly<Record<string, () => Promise<Loot>>> = {
  'a memory store': () => {
    const store = createMemoryStore(Date.now)
    const [backend, sealed] = [createBackend(store), createBackend(store, { sealed: true })]
    const take = async (handle: Handle) => [Buffer.from(JSON.stringify(await store.read(handle)))]
    return Promise.resolve({ backend, sealed, take, close: () => Promise.resolve() })
  },
  SQLite: () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-loot-'))
    const db = new DatabaseSync(join(folder, 'sessions.db'))
    return openBoth(undefined, db, folder, () => {
      if (db.isOpen) db.close()
      rmSync(folder, { recursive: true })
    })
  },
  Redis: () => onServer(startRedis),
  PostgreSQL: () => onServer(startPostgres, pagesOfPostgres),
  MariaDB: () => onServer(startMariadb, pagesOfMariadb),
}

async function onServer(
  start: () => Promise<TestServer>,
  before?: (url: string) => Promise<() => Promise<void>>,
): Promise<Loot> {
  const server = await start()
  const { url, folder } = server
  const loot = await openBoth(url, new DatabaseSync(':memory:'), folder, () => server.stop())
  if (before === undefined) return loot
  return {
    ...loot,
    async take(handle) {
      const after = await before(url)
      try {
        return await loot.take(handle)
      } finally {
        await after()
      }
    },
  }
}

// A log of writes need not hold a hash in one piece: InnoDB's has only the bytes that have become others, and a record of
// PostgreSQL's goes on behind the head of the next page. So pages are written before anyone looks: in one of 70 runs, and
// one of 400, the hash was in neither otherwise.

async function pagesOfPostgres(connectionString: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString })
  await client.connect()
  await client.query('CHECKPOINT')
  return () => client.end()
}

async function pagesOfMariadb(url: string): Promise<() => Promise<void>> {
  const connection = await createConnection(url)
  await connection.query('FLUSH TABLES sojourn_sessions FOR EXPORT')
  return async () => {
    await connection.query('UNLOCK TABLES')
    await connection.end()
  }
}

async function openBoth(
  url: string | undefined,
  db: DatabaseSync,
  folder: string,
  end: () => Promise<unknown> | void,
): Promise<Loot> {
  const plain = await openSessions(url, db)
  const sealed = await openSessions(url, db, { sealed: true })
  return {
    backend: plain.backend,
    sealed: sealed.backend,
    take: () => Promise.resolve(filesIn(folder)),
    async close() {
      await plain.close()
      await sealed.close()
      await end()
    },
  }
}

function filesIn(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .flatMap((path) => contentOf(path))
}

/** A server that is running may remove a file while its folder is being read. */
function contentOf(path: string): Buffer[] {
  try {
    return statSync(path).isFile() ? [readFileSync(path)] : []
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** What could be a secret in the neighbourhood of `handle`: every text of the right length and every hash of it. */
function candidates(files: readonly Buffer[], handle: Handle): Set<string> {
  const found = new Set<string>()
  for (const file of files) {
    for (let at = file.indexOf(handle); at >= 0; at = file.indexOf(handle, at + 1)) {
      const near = file.subarray(Math.max(0, at - AROUND), at + AROUND)
      for (const [run] of near.toString('latin1').matchAll(/[\w-]{43,}/g)) {
        for (let start = 0; start + HASH_CHARACTERS <= run.length; start++) {
          found.add(run.slice(start, start + HASH_CHARACTERS))
        }
      }
      for (let start = 0; start + HASH_BYTES <= near.length; start++) {
        found.add(near.toString('base64url', start, start + HASH_BYTES))
      }
    }
  }
  return found
}

/** All texts in the files that begin like one of ours, in clear or in what may be made of a text. */
function marksIn(files: readonly Buffer[]): Set<string> {
  const found = new Set<string>()
  for (const file of files) {
    for (const [text] of file.toString('latin1').matchAll(/5ealed-\w+/g)) found.add(text)
    for (const encoded of ENCODED) if (file.includes(encoded)) found.add(`it as ${encoded}`)
  }
  return found
}

/** Logs in, buys, and logs in again, so that there are a key, a previous one and a value. */
async function live(visitor: Visitor): Promise<string[]> {
  const pairs: string[] = []
  for (const path of ['/buy', '/login/ann', '/buy', '/login/ann']) {
    await visitor.visit(path)
    pairs.push(visitor.cookie())
  }
  return [...new Set(pairs)].map(keyIn)
}

/** The answers to every one of them as the secret of `handle`. */
async function tryAll(
  ask: Target['ask'],
  handle: Handle,
  secrets: Iterable<string>,
): Promise<Set<string>> {
  const pairs = [...secrets].map((secret) => pairWith(`${handle}.${secret}`))
  const answers = new Set<string>()
  while (pairs.length > 0) {
    const { body } = await ask('/', pairs.splice(0, AT_ONCE).join('; '))
    answers.add(body)
  }
  return answers
}

describe.each(Object.entries(ENGINES))('whoever reads all of %s', (_engine, open) => {
  let loot: Loot

  beforeAll(async () => {
    loot = await open()
  })

  afterAll(() => loot.close())

  it('finds no secret in it, and nothing that does for one', async () => {
    const { backend, take } = loot
    const sessions = createSessionManager<Basket>({ backend })
    const { ask, close } = await serveNode(sessions, shop)
    onTestFinished(close)
    const visitor = createVisitor(ask)
    const keys = await live(visitor)
    const handle = handleIn(visitor.cookie()) as Handle
    const files = await take(handle)
    // It is the very record, with the hash of the key that is good now.
    const tries = candidates(files, handle)
    expect(tries).toContain(secretHashOf(keyIn(visitor.cookie()) as Key))
    for (const key of keys) {
      const secret = key.slice(handle.length + 1)
      const bytes = Buffer.from(secret, 'base64url')
      for (const form of [Buffer.from(secret), bytes, Buffer.from(bytes.toString('hex'))]) {
        expect(files.some((file) => file.includes(form))).toBe(false)
      }
    }
    expect(await tryAll(ask, handle, tries)).toEqual(new Set(['nobody']))
    expect(await visitor.look()).toBe('ann with 2 items')
  })

  it('finds no value in it where values are sealed, and nothing that opens one', async () => {
    const { backend, sealed, take } = loot
    const sessions = createSessionManager<string>({ backend: sealed })
    const plain = await createSessionManager<string>({ backend }).generate('5ealed-not')
    const session = await sessions.generate('5ealed-first', { labels: { device: '5ealed-label' } })
    const keys = [session.key]
    await sessions.update(session, () => '5ealed-second')
    for (const change of [() => sessions.renew(session), () => sessions.bind(session, 'ann')]) {
      await change()
      await sessions.set(session, { value: `5ealed-${keys.length}` })
      keys.push(session.key)
    }
    const { handle = '' } = session
    const files = [...(await take(handle as Handle)), ...(await take(plain.handle as Handle))]
    // The very record is there, and a value of a plain one would be found.
    expect(marksIn(files)).toEqual(new Set(['5ealed-label', '5ealed-not']))
    const tries = candidates(files, handle as Handle)
    expect(tries).toContain(secretHashOf(session.key))
    for (const key of keys) expect(tries).not.toContain(key.slice(handle.length + 1))
    expect(await sessions.fromKey(session.key)).toMatchObject({ session: { value: '5ealed-2' } })
  })
})
