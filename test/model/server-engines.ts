// The servers' clocks cannot be moved, so each server is shown another one. Their own clocks go on: what a run depends
// on must not come within a few seconds of an end, which is why the spans for Redis are what they are.
import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { connectionOf as postgresConnection } from '../../src/backends/postgres/client.ts'
import type { Cell, Statement } from '../../src/backends/postgres/client.ts'
import { faultOf } from '../../src/backends/postgres/faults.ts'
import { namesOf, postgresSchema } from '../../src/backends/postgres/schema.ts'
import { statementsOf } from '../../src/backends/postgres/statements.ts'
import { createPostgresStore } from '../../src/backends/postgres/store.ts'
import { createTimeLimit } from '../../src/core/time-limit.ts'
import { connectionOf } from '../../src/backends/redis/connection.ts'
import type { Connection } from '../../src/backends/redis/connection.ts'
import { createRedisStore } from '../../src/backends/redis/store.ts'
import { ADVANCES, EXPIRIES } from './engines.ts'
import type { Engine } from './engines.ts'

/** An engine on a server, to be closed when all is done. */
export interface ServerEngine extends Engine {
  readonly end: () => Promise<void>
}

// Two processes.
const CLIENTS = 2

/** PostgreSQL: a schema in front of `pg_catalog` has functions that tell another time. */
export async function openPostgresEngine(connectionString: string): Promise<ServerEngine> {
  const schema = `model_${randomBytes(8).toString('hex')}`
  const options = `-c search_path=${schema},pg_catalog`
  const pools = Array.from({ length: CLIENTS }, () => {
    return new Pool({ connectionString, options, max: 2 })
  })
  const [pool] = pools as [Pool]
  const table = `${schema}.sessions`
  await pool.query(`CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.clock (at timestamptz);
    INSERT INTO ${schema}.clock VALUES (NULL);
    CREATE FUNCTION ${schema}.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
      AS 'SELECT at FROM ${schema}.clock';
    CREATE FUNCTION ${schema}.now() RETURNS timestamptz STABLE LANGUAGE sql
      AS 'SELECT at FROM ${schema}.clock'`)
  await pool.query(postgresSchema(table))
  const statements = statementsOf(namesOf(table))
  const stores = pools.map((client) => {
    const connection = postgresConnection(client, true, 30_000)
    const ask = (statement: Statement, values: Cell[]) =>
      connection.ask(statement, values).catch((error: unknown) => {
        throw faultOf(error)
      })
    return createPostgresStore(statements, ask, createTimeLimit(30_000))
  })
  const set = (ms: number) =>
    pool.query(`UPDATE ${schema}.clock SET at = to_timestamp($1)`, [ms / 1000])
  return {
    name: 'PostgreSQL',
    inProcess: false,
    advances: ADVANCES,
    expiries: EXPIRIES,
    async open() {
      await pool.query(`DELETE FROM ${table}`)
      const clock = await startedClock(set)
      return { stores, ...clock, close: () => {} }
    },
    async end() {
      await pool.query(`DROP SCHEMA ${schema} CASCADE`)
      await Promise.all(pools.map(async (each) => each.end()))
    },
  }
}

// What a script is given in place of `redis`: the time is a key's, and keys end as long from now as they would from then.
const SHOWN = (key: string) => `
local server = redis
local function shown(call)
  return function(command, ...)
    local real = server.call('TIME')
    local realMs = tonumber(real[1]) * 1000 + math.floor(tonumber(real[2]) / 1000)
    local ms = tonumber(server.call('GET', '${key}'))
    if command == 'TIME' then return { string.format('%.0f', ms / 1000), '0' } end
    local args = { ... }
    local at = command == 'PEXPIREAT' and 2 or args[3] == 'PXAT' and 4
    if at then args[at] = string.format('%.0f', tonumber(args[at]) - ms + realMs) end
    return call(command, unpack(args))
  end
end
local redis = { call = shown(server.call), pcall = shown(server.pcall) }
`

const SHIFT = `
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local left = redis.call('PTTL', key)
  if left > tonumber(ARGV[2]) then redis.call('PEXPIRE', key, left - tonumber(ARGV[2]))
  elseif left >= 0 then redis.call('DEL', key) end
end
`

/** Redis: the scripts are told another time, and keys that are to end later are made to end sooner. */
export function openRedisEngine(url: string): ServerEngine {
  const clients = Array.from({ length: CLIENTS }, () => new Redis(url))
  const [client] = clients as [Redis]
  const space = `model:${randomBytes(8).toString('hex')}`
  const clockKey = `${space}:clock`
  let runs = 0
  return {
    name: 'Redis',
    inProcess: false,
    // Between any sum of these and any of the spans lie at least thirty seconds, or nothing.
    advances: [100, 100, 100, 100, 200, 300],
    expiries: [130, 230, 1030],
    async open() {
      const prefix = `${space}:${runs++}:`
      let nowMs = 0
      const clock = await startedClock(async (ms) => {
        if (nowMs > 0) await client.eval(SHIFT, 0, prefix, ms - nowMs)
        await client.set(clockKey, ms)
        nowMs = ms
      })
      const { now } = clock
      const told = { now, earliest: now, learn: () => {}, fresh: true }
      const stores = clients.map((each) =>
        createRedisStore(showing(connectionOf(each), SHOWN(clockKey)), prefix, { clock: told }),
      )
      return {
        stores,
        ...clock,
        close: async () => void (await stores[0]?.deleteAll()),
      }
    },
    async end() {
      await client.del(clockKey)
      for (const each of clients) each.disconnect()
    },
  }
}

/** A connection whose scripts see what `prelude` shows them. */
function showing(connection: Connection, prelude: string): Connection {
  return {
    ...connection,
    command(key, [name = '', script = '', ...rest]) {
      // Their names are those of the scripts as they are.
      if (name === 'EVALSHA') return Promise.reject(new Error('NOSCRIPT'))
      if (name !== 'EVAL') return connection.command(key, [name, script, ...rest])
      return connection.command(key, [name, prelude + script, ...rest])
    },
  }
}

/** A clock of whole seconds that starts now and stands still. */
async function startedClock(set: (ms: number) => Promise<unknown>) {
  let nowMs = Math.floor(Date.now() / 1000) * 1000
  await set(nowMs)
  return {
    now: () => nowMs,
    async advance(seconds: number) {
      nowMs += seconds * 1000
      await set(nowMs)
    },
  }
}
