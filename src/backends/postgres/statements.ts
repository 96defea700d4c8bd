import { hash } from 'node:crypto'
import type { Statement } from './client.ts'
import { BUCKET_MS, NOW } from './schema.ts'
import type { Names } from './schema.ts'

/** The statements of a store, each named after what it does. */
export type Statements = Readonly<Record<keyof ReturnType<typeof textsOf>, Statement>>

// Planned anew each time: how many rows a step of the sweep may look at decides how they are found.
const UNPREPARED = new Set(['sweep', 'sweepUnderLease', 'giveLeaseBack'])
// The core lets it take as long.
const PATIENCE: Readonly<Record<string, number>> = { endAll: 60 }

/**
 * Makes them for one table. A prepared statement's name depends on its text, and so on the table: two tables, or two
 * versions of this library, may share a connection.
 */
export function statementsOf(names: Names): Statements {
  const entries = Object.entries(textsOf(names)).map(([key, indented]) => {
    const text = indented.replaceAll(/\s+/g, ' ')
    const name = `sojourn_${key}_${hash('sha256', text).slice(0, 16)}`
    const statement = {
      text,
      ...(!UNPREPARED.has(key) && { name }),
      ...(PATIENCE[key] !== undefined && { patience: PATIENCE[key] }),
    }
    return [key, statement]
  })
  return Object.fromEntries(entries) as Statements
}

const LIVE = `id = $1::text AND expires_at > ${NOW}`
// The current secret, or the previous one while it is good.
const authorised = (
  now: string,
  secret = '$2::text',
) => `(secret_hash = ${secret} OR (previous_hash = ${secret}
  AND (previous_until IS NULL OR previous_until > ${now})))`

const changeable = (
  secret: string,
  at: string,
) => `expires_at > now_ms AND ${authorised('now_ms', secret)}
  AND (${at} IS NULL OR version = ${at})`
const spanOf = (idle: string) => `idle_ms = coalesce(${idle}, idle_ms),
  expires_at = least(now_ms + coalesce(${idle}, idle_ms), deadline_at)`
const CHANGEABLE = `id = $1::text AND ${changeable('$2::text', '$4::bigint')}`
const SPAN = spanOf('$3::bigint')
const UPDATED = "concat(version, ' ', expires_at, ' ', now_ms)"

// In few columns, because each costs the driver time: what holds no blank, parted by blanks, and the value behind it;
// and the other texts, where there are any.
const RECORD = `concat(id, ' ', ${NOW}, ' ', version, ' ', idle_ms, ' ', created_at, ' ', expires_at,
  ' ', deadline_at, ' ', security_version, ' ', previous_until, ' ', authenticated_at, ' ',
  secret_hash, ' ', previous_hash, ' =' || value),
  CASE WHEN coalesce(subject, labels, extra) IS NOT NULL
    THEN json_build_array(subject, labels, extra)::text END`

const NEW_COLUMNS = `(id, secret_hash, subject, labels, extra, value, version, security_version,
  idle_ms, created_at, expires_at, deadline_at, authenticated_at)`
const NEW_ROW = `$1::text, $2::text, $3::text, $4::text, $5::text, $6::text, 1, 1,
  $7::bigint, now_ms, now_ms + least($7::bigint, $8::bigint), now_ms + $8::bigint,
  CASE WHEN $9::bigint = 1 THEN now_ms END`
const CREATED = `ON CONFLICT (id) DO NOTHING RETURNING concat(created_at, ' ', expires_at) AS made`

// `$2` is the expected version.
const SECURITY = `security_version = security_version + 1,
  secret_hash = coalesce($3::text, secret_hash),
  previous_hash = CASE WHEN $4::bigint = 1 THEN $5::text ELSE previous_hash END,
  previous_until = CASE WHEN $4::bigint = 0 THEN previous_until
    WHEN $6::bigint IS NULL THEN NULL
    WHEN $6::bigint > 0 THEN now_ms + $6::bigint ELSE 0 END,
  subject = CASE WHEN $7::bigint = 1 THEN $8::text ELSE subject END,
  labels = CASE WHEN $9::bigint = 1 THEN $10::text ELSE labels END,
  extra = CASE WHEN $11::bigint = 1 THEN $12::text ELSE extra END,
  authenticated_at = CASE WHEN $13::bigint IS NULL THEN authenticated_at ELSE now_ms END,
  deadline_at = coalesce(now_ms + $13::bigint, deadline_at),
  expires_at = CASE WHEN $13::bigint IS NULL THEN expires_at
    ELSE now_ms + least(idle_ms, $13::bigint) END`
const SECURED = "concat(security_version, ' ', expires_at, ' ', authenticated_at, ' ', now_ms)"

function textsOf({ table, ledger, entry, admit, endSubject, endAll }: Names) {
  // The record's lock first, then the clock: nothing is written to what ran out in the wait. Without this, PostgreSQL
  // would look at the clock again only if the row has changed meanwhile, and not if it was merely locked.
  const locked = `WITH clock AS MATERIALIZED (
    SELECT ${NOW} AS now_ms FROM (
      SELECT FROM ${table} WHERE id = $1::text FOR NO KEY UPDATE
    ) AS record
  )`
  // The bucket that is still filling is left alone. `now()` is known when the statement is planned.
  const expired = `expiry_bucket < floor(date_part('epoch', now()) * 1000 / ${BUCKET_MS})::integer`
  // Rows are found and removed by their places: the plan does not depend on a guess of how many there are. A place is
  // one in each partition, if the table has been made in parts; so what is removed must have expired, too.
  const doomed = (limit: string, condition: string) => `gone AS (
    DELETE FROM ${table} WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM ${table} WHERE ${expired} ${condition}
      ORDER BY expiry_bucket LIMIT ${limit}::bigint FOR UPDATE SKIP LOCKED
    )) AND ${expired} RETURNING 1
  ) SELECT count(*)::text FROM gone`
  return {
    read: `SELECT ${RECORD} FROM ${table} WHERE id = $1::text`,
    readMany: `SELECT ${RECORD} FROM ${table} WHERE id = ANY(string_to_array($1::text, ' '))`,

    insert: `INSERT INTO ${table} ${NEW_COLUMNS}
      SELECT ${NEW_ROW} FROM (SELECT ${NOW} AS now_ms) AS clock ${CREATED}`,
    insertOfSubject: `WITH admission AS MATERIALIZED (
      SELECT ${admit}($3::text, $10::bigint, $11::bigint, $1::text, NULL) AS now_ms
    ), made AS (
      INSERT INTO ${table} ${NEW_COLUMNS} SELECT ${NEW_ROW} FROM admission WHERE now_ms IS NOT NULL
      ${CREATED}
    ) SELECT CASE WHEN now_ms IS NULL THEN 'limit' ELSE coalesce((SELECT made FROM made), 'exists') END
      FROM admission`,

    setValue: `${locked} UPDATE ${table} SET value = $5::text, version = version + 1, ${SPAN}
      FROM clock WHERE ${CHANGEABLE} RETURNING ${UPDATED}`,
    // Of records that nobody else has locked, so that none of them waits for another, and their clock is that of now.
    setValues: `WITH asked AS MATERIALIZED (
      SELECT * FROM json_to_recordset($1::text::json)
        AS asked(record text, secret text, idle bigint, at bigint, text text)
    ), clock AS MATERIALIZED (
      SELECT record, ${NOW} AS now_ms FROM (
        SELECT id AS record FROM ${table} WHERE id = ANY(ARRAY(SELECT record FROM asked))
        FOR NO KEY UPDATE SKIP LOCKED
      ) AS records
    ) UPDATE ${table} SET value = text, version = version + 1, ${spanOf('idle')}
      FROM clock JOIN asked USING (record) WHERE id = record AND ${changeable('secret', 'at')}
      RETURNING id, ${UPDATED}`,
    moveExpiry: `${locked} UPDATE ${table} SET ${SPAN} FROM clock WHERE ${CHANGEABLE} RETURNING ${UPDATED}`,
    liveVersion: `SELECT version::text FROM ${table} WHERE ${LIVE} AND ${authorised(NOW)}`,
    touch: `${locked} UPDATE ${table} SET expires_at = least($4::bigint, deadline_at)
      FROM clock WHERE id = $1::text AND expires_at > now_ms AND ${authorised('now_ms')}
      AND expires_at = $3::bigint RETURNING '1'`,

    changeSecurity: `${locked} UPDATE ${table} SET ${SECURITY} FROM clock
      WHERE id = $1::text AND expires_at > now_ms AND security_version = $2::bigint
      RETURNING ${SECURED}`,
    // The conditions are those of the admission, which has locked the record.
    bindSubject: `WITH clock AS MATERIALIZED (
      SELECT now_ms FROM ${admit}($8::text, $14::bigint, $15::bigint, $1::text, $2::bigint) AS now_ms
      WHERE now_ms IS NOT NULL
    ) UPDATE ${table} SET ${SECURITY} FROM clock WHERE id = $1::text RETURNING ${SECURED}`,
    liveSecurityVersion: `SELECT security_version::text FROM ${table} WHERE ${LIVE}`,

    remove: `DELETE FROM ${table} WHERE id = $1::text
      RETURNING CASE WHEN expires_at > ${NOW} THEN 'live' END`,
    removeWithSecret: `DELETE FROM ${table}
      WHERE id = $1::text AND (secret_hash = $2::text OR previous_hash = $2::text)
      RETURNING CASE WHEN expires_at > ${NOW} THEN 'live' END`,
    list: `SELECT concat(id, ' ', idle_ms, ' ', created_at, ' ', expires_at, ' ', deadline_at, ' ',
      authenticated_at), labels FROM ${table} WHERE subject = $1::text AND expires_at > ${NOW}
      ORDER BY created_at, id`,
    endSubject: `SELECT ${endSubject}($1::text, $2::text)::text`,
    // The parameter is for postgres.js, which would send a statement without any as migrations are sent.
    endAll: `SELECT ${endAll}()::text WHERE $1::text IS NULL`,

    sweep: `WITH ${doomed('$1', '')}`,
    // Whoever meets the lease locked does not wait for it: its owner is at work.
    sweepUnderLease: `WITH lease AS (
      UPDATE ${ledger} SET sweep_owner = $2::text, sweep_until = ${NOW} + $3::bigint
      WHERE name = (
        SELECT name FROM ${ledger} WHERE name = '${entry}'
        AND (sweep_owner = $2::text OR sweep_until IS NULL OR sweep_until <= ${NOW})
        FOR UPDATE SKIP LOCKED
      ) RETURNING name
    ), ${doomed('$1', 'AND EXISTS (SELECT FROM lease)')}`,
    giveLeaseBack: `UPDATE ${ledger} SET sweep_owner = NULL, sweep_until = NULL
      WHERE name = '${entry}' AND sweep_owner = $1::text`,
  }
}
