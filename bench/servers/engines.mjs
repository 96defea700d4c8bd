// One session's read and write on each engine: bare, by the backend, by the manager. Servers, clients and backends
// are the ones that the tests use.
import { hash } from 'node:crypto'
import ioredis from 'ioredis'
import { createPool as createMariadbPool } from 'mariadb'
import mysql from 'mysql2/promise'
import { Pool } from 'pg'
import postgres from 'postgres'
import { createClient } from 'redis'
import { createMysqlBackend } from '../../dist/backends/mysql.js'
import { createPostgresBackend } from '../../dist/backends/postgres.js'
import { namesOf } from '../../dist/backends/postgres/schema.js'
import { statementsOf } from '../../dist/backends/postgres/statements.js'
import { createRedisBackend } from '../../dist/backends/redis.js'
import { createSessionManager } from '../../dist/index.js'
import { at, headerOf, NAME, nextValue, SESSIONS, valueOf } from '../session.mjs'
import { startMariadb } from '../../test/servers/mariadb.ts'
import { startPostgres } from '../../test/servers/postgres.ts'
import { startRedis } from '../../test/servers/redis.ts'

const CONNECTIONS = 8
const QUIET = { sweepEveryMs: 0 }
const NEAR = { nearCache: { maxStaleness: 2 } }
// What a page loads: so many requests of one session, one after the other or at once.
const BURST = 30
const bareKey = (n) => `bare-${String(at(n)).padStart(17, '0')}`

/** The engines, each opened when its turn comes. */
export function createEngines() {
  return [
    { name: 'Redis, node-redis', open: () => openRedis(nodeRedis) },
    { name: 'Redis, ioredis', open: () => openRedis(ioRedis) },
    { name: 'PostgreSQL, pg', open: () => openPostgres(pgPool) },
    { name: 'PostgreSQL, postgres.js', open: () => openPostgres(postgresJs) },
    { name: 'MariaDB, mysql2', open: () => openMariadb(mysql2Pool) },
    { name: 'MariaDB, mariadb', open: () => openMariadb(mariadbPool) },
  ]
}

// The least that a write takes which must not undo another: compare, then set with an expiry. By hand, and each alone.
const COMPARE_AND_SET = `
local text = redis.call('GET', KEYS[1])
if not text or string.sub(text, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`

async function openRedis(connect) {
  const server = await startRedis()
  const { client, get, set, loadScript, close } = await connect(server.url)
  const compareAndSet = await loadScript(COMPARE_AND_SET)
  const versionedKey = (n) => `versioned-${at(n)}`
  await eachSession((n) => set(versionedKey(n), `1 ${JSON.stringify(valueOf(n))}`))
  await eachSession((n) => set(bareKey(n), JSON.stringify(valueOf(n))))
  const near = createRedisBackend(client, NEAR)
  const { read, write } = await createVariants(createRedisBackend(client), near)
  const version = /redis_version:(\S+)/.exec(await client.info('server'))[1]
  return {
    version: `Redis ${version}, appendfsync always`,
    workloads: [
      {
        name: 'read',
        variants: [
          bare('bare GET', (n) => get(bareKey(n))),
          bare('bare GET, its value parsed', async (n) => JSON.parse(await get(bareKey(n)))),
          ...read,
        ],
      },
      {
        name: 'write',
        variants: [
          bare('bare SET', (n) => set(bareKey(n), JSON.stringify(nextValue()))),
          bare('the least script that compares and sets', (n) =>
            compareAndSet(versionedKey(n), ['1 ', `1 ${JSON.stringify(nextValue())}`, '1800000']),
          ),
          ...write,
        ],
      },
    ],
    close: async () => {
      await close()
      await server.stop()
    },
  }
}

async function nodeRedis(url) {
  const client = await createClient({ url }).connect()
  return {
    client,
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    loadScript: async (source) => {
      const sha = await client.scriptLoad(source)
      return (key, args) => client.evalSha(sha, { keys: [key], arguments: args })
    },
    close: () => client.close(),
  }
}

async function ioRedis(url) {
  const client = new ioredis.Redis(url)
  return {
    client,
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    loadScript: async (source) => {
      const sha = await client.script('LOAD', source)
      return (key, args) => client.evalsha(sha, 1, key, ...args)
    },
    close: () => client.quit(),
  }
}

async function openPostgres(connect) {
  const server = await startPostgres()
  const { client, query, send, close } = await connect(server.url)
  const select = 'SELECT value FROM bare WHERE id = $1'
  const update = 'UPDATE bare SET value = $2 WHERE id = $1'
  await query('CREATE TABLE bare (id text NOT NULL PRIMARY KEY, value text NOT NULL)', [])
  const insert = 'INSERT INTO bare VALUES ($1, $2)'
  await eachSession((n) => query(insert, [bareKey(n), JSON.stringify(valueOf(n))]))
  const backend = createPostgresBackend(client, QUIET)
  await backend.migrate()
  const near = createPostgresBackend(client, { ...QUIET, ...NEAR })
  const { read, write, keys } = await createVariants(backend, near)
  // The very statements that the backend sends, by the bare client: what the library itself costs.
  const own = statementsOf(namesOf('sojourn_sessions'))
  const idOf = (n) => keys[at(n)].slice(0, 22)
  const hashOf = (n) => hash('sha256', keys[at(n)].slice(23), 'base64url')
  read.unshift(bare('its own SELECT, bare client', (n) => send(own.read, [idOf(n)])))
  write.unshift(
    bare('its own UPDATE, bare client', (n) =>
      send(own.setValue, [idOf(n), hashOf(n), null, null, JSON.stringify(nextValue())]),
    ),
  )
  await query('VACUUM ANALYZE', [])
  const [[version]] = await query('SHOW server_version', [])
  return {
    version: `PostgreSQL ${version}, synchronous_commit on, ${CONNECTIONS} connections`,
    workloads: sqlWorkloads(query, select, update, (n, value) => [bareKey(n), value], read, write),
    close: async () => {
      backend.close()
      await close()
      await server.stop()
    },
  }
}

function pgPool(url) {
  const pool = new Pool({ connectionString: url, max: CONNECTIONS })
  return {
    client: pool,
    query: async (text, values) => {
      const name = /^(SELECT|UPDATE)/.test(text) ? text : undefined
      return (await pool.query({ name, text, values, rowMode: 'array' })).rows
    },
    send: ({ name, text }, values) => pool.query({ name, text, values, rowMode: 'array' }),
    close: () => pool.end(),
  }
}

function postgresJs(url) {
  const sql = postgres(url, { max: CONNECTIONS, onnotice: () => {} })
  return {
    client: sql,
    query: (text, values) => sql.unsafe(text, values, { prepare: values.length > 0 }).values(),
    send: ({ text }, values) => sql.unsafe(text, values, { prepare: true }).values(),
    close: () => sql.end(),
  }
}

async function openMariadb(connect) {
  const server = await startMariadb()
  const { client, query, close } = await connect(server.url)
  const select = 'SELECT value FROM bare WHERE id = ?'
  const update = 'UPDATE bare SET value = ? WHERE id = ?'
  await query(
    'CREATE TABLE bare (id VARBINARY(32) NOT NULL PRIMARY KEY, value LONGBLOB NOT NULL) ENGINE=InnoDB',
    [],
  )
  const insert = 'INSERT INTO bare VALUES (?, ?)'
  await eachSession((n) => query(insert, [bareKey(n), JSON.stringify(valueOf(n))]))
  const backend = createMysqlBackend(client, QUIET)
  await backend.migrate()
  const { read, write } = await createVariants(backend)
  const [[version]] = await query('SELECT version()', [])
  return {
    version: `MariaDB ${version}, innodb_flush_log_at_trx_commit 1, ${CONNECTIONS} connections`,
    workloads: sqlWorkloads(query, select, update, (n, value) => [value, bareKey(n)], read, write),
    close: async () => {
      backend.close()
      await close()
      await server.stop()
    },
  }
}

async function mysql2Pool(url) {
  const pool = mysql.createPool({ uri: url, connectionLimit: CONNECTIONS })
  return {
    client: pool,
    query: async (sql, values) => (await pool.execute({ sql, rowsAsArray: true }, values))[0],
    close: () => pool.end(),
  }
}

async function mariadbPool(url) {
  const { hostname, port, username, password, pathname } = new URL(url)
  const pool = createMariadbPool({
    host: hostname,
    port: Number(port),
    user: username,
    password,
    database: pathname.slice(1),
    connectionLimit: CONNECTIONS,
  })
  return {
    client: pool,
    query: (sql, values) => pool.execute({ sql, rowsAsArray: true }, values),
    close: () => pool.end(),
  }
}

function sqlWorkloads(query, select, update, parameters, read, write) {
  const raw = (n) => query(update, parameters(n, JSON.stringify(nextValue())))
  return [
    {
      name: 'read',
      variants: [bare('bare prepared SELECT', (n) => query(select, [bareKey(n)])), ...read],
    },
    { name: 'write', variants: [bare('bare prepared UPDATE', raw), ...write] },
  ]
}

function bare(name, run) {
  return { name, run }
}

/**
 * The same session's read and write, by the backend alone and by the manager; and by one on a backend `near` with a near
 * cache, of which as many reads in a row are of one session as a page has requests.
 */
async function createVariants(backend, near) {
  const sessions = createSessionManager({ backend, cookie: { name: NAME } })
  const held = await eachSession((n) => sessions.generate(valueOf(n)))
  const own = await eachSession((n) => sessions.generate(valueOf(n)))
  const headers = held.map(({ key }) => headerOf(key))
  const found = async (n) => {
    const { session } = await sessions.fromHeaders(headers[at(n)])
    return session.value.count
  }
  const read = [
    { name: 'backend.get', run: (n) => backend.get(held[at(n)].key) },
    { name: 'manager.fromHeaders', run: found },
  ]
  if (near !== undefined) {
    const cached = createSessionManager({ backend: near, cookie: { name: NAME } })
    const run = async (n) => (await cached.fromHeaders(headers[at(Math.floor(n / BURST))])).ok
    read.push({ name: `manager.fromHeaders, near cache, ${BURST} of each session`, run })
  }
  return {
    keys: held.map(({ key }) => key),
    read,
    write: [
      {
        name: 'backend.set',
        run: (n) => backend.set(held[at(n)].key, JSON.stringify(nextValue())),
      },
      // On sessions of its own: the variant before moves the versions of the others.
      { name: 'manager.set', run: (n) => sessions.set(own[at(n)], { value: nextValue() }) },
    ],
  }
}

async function eachSession(make) {
  const made = []
  const makers = Array.from({ length: 64 }, async (_, from) => {
    for (let n = from; n < SESSIONS; n += 64) made[n] = await make(n)
  })
  await Promise.all(makers)
  return made
}
