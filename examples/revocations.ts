// Where the cookie backend remembers ended sessions, on PostgreSQL and on Redis: one atomic statement or script for
// each operation. An application imports 'sojourn/backends/cookie'.
import type { RevocationStore } from '../src/backends/cookie.ts'

/** The part of `pg`'s `Pool` that is called. */
export interface Sql {
  query(
    text: string,
    values: readonly unknown[],
  ): Promise<{ rows: unknown[]; rowCount: number | null }>
}

export const REVOCATIONS_SCHEMA = `
CREATE TABLE IF NOT EXISTS revocation (
  name text PRIMARY KEY,
  not_before bigint NOT NULL,
  keep_until timestamptz NOT NULL
)`

// A name is kept as its SHA-256: a subject may be of any length, and hold U+0000, which text cannot.
const NAME = "encode(sha256($1::bytea), 'hex')"

/** Revocations in PostgreSQL. Delete what has `keep_until < now()` once a day. */
export function createPostgresRevocations(sql: Sql): RevocationStore {
  return {
    async notBefore(name) {
      const text = `SELECT not_before FROM revocation WHERE name = ${NAME}`
      const { rows } = await sql.query(text, [Buffer.from(name)])
      const [row] = rows as { not_before: string }[]
      return row && Number(row.not_before)
    },
    async setNotBefore(name, ms, keepMs) {
      const text = `
        INSERT INTO revocation AS kept VALUES (${NAME}, $2, now() + $3 * interval '1 millisecond')
        ON CONFLICT (name) DO UPDATE SET not_before = $2, keep_until = excluded.keep_until
        WHERE kept.not_before < $2`
      const { rowCount } = await sql.query(text, [Buffer.from(name), ms, keepMs])
      return rowCount === 1
    },
  }
}

/** The part of node-redis that is called. */
export interface Redis {
  get(key: string): Promise<unknown>
  eval(script: string, call: { keys: string[]; arguments: string[] }): Promise<unknown>
}

const RAISE = `
local kept = redis.call('GET', KEYS[1])
if kept and tonumber(kept) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

/** Revocations in Redis, which forgets them by itself. */
export function createRedisRevocations(redis: Redis, prefix = 'revocation:'): RevocationStore {
  return {
    async notBefore(name) {
      const ms = await redis.get(prefix + name)
      return ms === null ? undefined : Number(ms)
    },
    async setNotBefore(name, ms, keepMs) {
      const call = { keys: [prefix + name], arguments: [`${ms}`, `${keepMs}`] }
      return (await redis.eval(RAISE, call)) === 1
    },
  }
}
