/** The names of what belongs to one table, quoted for SQL. */
export interface Names {
  readonly table: string
  /** The table that keeps versions and the sweeper's lease, in the same schema. */
  readonly ledger: string
  /** The table's name there. */
  readonly entry: string
  readonly admit: string
  readonly endSubject: string
  readonly endAll: string
  readonly tell: string
}

// Room is left for the names of the index and the functions, which PostgreSQL would cut off at 63 characters.
const TABLE = /^(?:([a-z_][a-z0-9_]{0,62})\.)?(?!sojourn_schema$)([a-z_][a-z0-9_]{0,44})$/i

/**
 * The names for `table`, a plain name or one with its schema.
 *
 * @throws TypeError when it is neither.
 */
export function namesOf(table: string): Names {
  const [, schema, name] = TABLE.exec(table) ?? []
  if (name === undefined) {
    throw new TypeError('"table" must be a plain SQL name of up to 45 characters, or schema.name')
  }
  const quoted = (own: string) => (schema === undefined ? `"${own}"` : `"${schema}"."${own}"`)
  return {
    table: quoted(name),
    ledger: quoted('sojourn_schema'),
    entry: name,
    admit: quoted(`${name}_admit`),
    endSubject: quoted(`${name}_end_subject`),
    endAll: quoted(`${name}_end_all`),
    tell: quoted(`${name}_tell`),
  }
}

/** The time of the server, in whole epoch milliseconds. Each use reads its clock anew. */
export const NOW = "floor(date_part('epoch', clock_timestamp()) * 1000)::bigint"

/** The span of a bucket of expiries, in milliseconds. */
export const BUCKET_MS = 300_000

const VERSION = 1

const COLUMNS = [
  ['created_at', 'bigint', 'NOT NULL'],
  ['expires_at', 'bigint', 'NOT NULL'],
  ['deadline_at', 'bigint', 'NOT NULL'],
  ['idle_ms', 'bigint', 'NOT NULL'],
  ['version', 'bigint', 'NOT NULL'],
  ['security_version', 'bigint', 'NOT NULL'],
  ['previous_until', 'bigint', ''],
  ['authenticated_at', 'bigint', ''],
  [
    'expiry_bucket',
    'integer',
    // The clamp keeps the quotient of any expiry within an integer.
    `NOT NULL GENERATED ALWAYS AS ((greatest(0, least(expires_at, 600000000000000)) / ${BUCKET_MS})::integer) STORED`,
  ],
  ['id', 'text', 'COLLATE "C" NOT NULL PRIMARY KEY'],
  ['secret_hash', 'text', 'COLLATE "C" NOT NULL'],
  ['previous_hash', 'text', 'COLLATE "C"'],
  ['subject', 'text', 'COLLATE "C"'],
  ['labels', 'text', ''],
  ['extra', 'text', ''],
  // Last, so that whatever reads the other columns need not step over it.
  ['value', 'text', ''],
] as const

/**
 * The SQL that `migrate()` sends, for whoever runs migrations by other means: one statement, so one transaction
 * everywhere. It creates what is missing, and may be run again and by several at once; it refuses a table of a
 * newer version, and one of the same name that is not this library's. `table` is as the backend's option.
 *
 * @throws TypeError when `table` is not a plain SQL name, or one with its schema.
 */
export function postgresSchema(table = 'sojourn_sessions'): string {
  const names = namesOf(table)
  return `DO $sojourn$
DECLARE
  found integer;
BEGIN
  -- One at a time in this database, until this transaction ends.
  PERFORM pg_advisory_xact_lock(hashtextextended('sojourn migrate', 0));
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'transactions must be "read committed"' USING ERRCODE = 'SJ003';
  END IF;
  IF current_setting('server_encoding') <> 'UTF8' THEN
    RAISE EXCEPTION 'the encoding must be UTF8' USING ERRCODE = 'SJ004';
  END IF;
  IF to_regclass('${names.ledger}') IS NULL THEN
    CREATE TABLE ${names.ledger} (
      name text COLLATE "C" NOT NULL PRIMARY KEY,
      version integer NOT NULL,
      sweep_owner text,
      sweep_until bigint
    );
  END IF;
  SELECT version INTO found FROM ${names.ledger} WHERE name = '${names.entry}';
  IF found > ${VERSION} THEN
    RAISE EXCEPTION 'made by a newer version of this library' USING ERRCODE = 'SJ001';
  END IF;
  IF to_regclass('${names.table}') IS NULL THEN
    CREATE TABLE ${names.table} (
${COLUMNS.map((column) => `      ${column.join(' ').trim()}`).join(',\n')}
    ) WITH (fillfactor = 80);
    CREATE INDEX "${names.entry}_expiry" ON ${names.table} (expiry_bucket);
    -- A hash, because an entry of a B-tree cannot hold a long subject.
    CREATE INDEX "${names.entry}_subject" ON ${names.table} USING hash (subject)
      WHERE subject IS NOT NULL;
  ELSIF EXISTS (
    SELECT FROM unnest(ARRAY[${COLUMNS.map(([name, type]) => `'${name} ${type}'`).join(', ')}]) AS own(wanted)
    WHERE NOT EXISTS (
      SELECT FROM pg_attribute WHERE attrelid = to_regclass('${names.table}')
      AND NOT attisdropped AND attname || ' ' || format_type(atttypid, NULL) = wanted
    )
  ) THEN
    RAISE EXCEPTION 'the table is not this library''s' USING ERRCODE = 'SJ002';
  END IF;
  -- Whoever only uses the table need not own it: nothing is replaced that is there.
  IF found = ${VERSION} AND to_regproc('${names.admit}') IS NOT NULL
    AND to_regproc('${names.endSubject}') IS NOT NULL AND to_regproc('${names.endAll}') IS NOT NULL
  THEN
    RETURN;
  END IF;
${functionsOf(names)}
  INSERT INTO ${names.ledger} (name, version) VALUES ('${names.entry}', ${VERSION})
    ON CONFLICT (name) DO UPDATE SET version = excluded.version;
END
$sojourn$`
}

/**
 * The functions: what must wait for a lock and then look at the table as it is after the wait. A statement sees the
 * table as it was when it began; the statements of a volatile function each see it anew, in a "read committed"
 * transaction, so the functions refuse to run in another.
 *
 * Locks are taken in one order, table, subject, rows, so that no two of one subject wait for each other in a circle.
 */
function functionsOf(names: Names): string {
  const { table } = names
  // Beside the table's name, so that one subject's locks in two tables are two.
  const lockKey = `hashtextextended('sojourn ${names.entry} ' || owner, 0)`
  const readCommitted = `IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'transactions must be "read committed"' USING ERRCODE = 'SJ003';
    END IF;`
  const stillLives = `IF at_version IS NOT NULL THEN
      PERFORM FROM ${table} WHERE id = record_id AND expires_at > now_ms;
      IF NOT FOUND THEN
        RETURN NULL;
      END IF;
    END IF;`
  return `
  -- The time at which a record becomes the subject's, or NULL if it may not. Until the end of the transaction nobody
  -- ends the subject's records, and where there is a bound on them, nobody else becomes one. A record that exists
  -- is locked, and must be live and at the version; a new one has none, and of an id that is taken nothing is asked.
  CREATE OR REPLACE FUNCTION ${names.admit}(
    owner text, most bigint, evicting bigint, record_id text, at_version bigint
  ) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $body$
  DECLARE
    now_ms bigint;
    others bigint;
    ending bigint;
    own text;
    doomed text[];
  BEGIN
    ${readCommitted}
    IF most IS NULL THEN
      PERFORM pg_advisory_xact_lock_shared(${lockKey});
    ELSE
      PERFORM pg_advisory_xact_lock(${lockKey});
    END IF;
    IF at_version IS NOT NULL THEN
      PERFORM FROM ${table} WHERE id = record_id FOR NO KEY UPDATE;
    END IF;
    now_ms := ${NOW};
    IF at_version IS NOT NULL THEN
      SELECT subject INTO own FROM ${table}
        WHERE id = record_id AND expires_at > now_ms AND security_version = at_version;
      IF NOT FOUND THEN
        RETURN NULL;
      END IF;
    END IF;
    IF most IS NULL THEN
      RETURN now_ms;
    END IF;
    LOOP
      now_ms := ${NOW};
      -- One that seems to have run out may have been kept alive by a write that is not committed yet.
      PERFORM FROM ${table}
        WHERE subject = owner AND expires_at <= now_ms AND id <> record_id FOR SHARE;
      SELECT count(*), count(*) FILTER (WHERE expires_at <= ${NOW}) INTO others, ending FROM ${table}
        WHERE subject = owner AND expires_at > now_ms AND id <> record_id;
      EXIT WHEN ending = 0;
    END LOOP;
    ${stillLives}
    IF others < most OR own = owner AND evicting = 0 THEN
      RETURN now_ms;
    END IF;
    IF at_version IS NULL THEN
      PERFORM FROM ${table} WHERE id = record_id;
      IF FOUND THEN
        RETURN now_ms;
      END IF;
    END IF;
    IF evicting = 0 THEN
      RETURN NULL;
    END IF;
    -- All but the newest: that many of the oldest would be too many, if one that was counted has left since.
    doomed := ARRAY(
      SELECT id FROM ${table} WHERE subject = owner AND expires_at > now_ms AND id <> record_id
      ORDER BY created_at DESC, id DESC OFFSET greatest(most - 1, 0)
    );
    PERFORM FROM ${table} WHERE id = ANY(doomed) FOR UPDATE;
    -- The record may have run out in this wait too.
    now_ms := ${NOW};
    ${stillLives}
    DELETE FROM ${table} WHERE subject = owner AND id = ANY(doomed);
    RETURN now_ms;
  END
  $body$;

  -- Ends the subject's records but one; gives how many of them were live.
  CREATE OR REPLACE FUNCTION ${names.endSubject}(owner text, kept text)
  RETURNS bigint LANGUAGE plpgsql VOLATILE AS $body$
  DECLARE
    ended bigint;
  BEGIN
    ${readCommitted}
    LOCK TABLE ${table} IN ROW EXCLUSIVE MODE;
    PERFORM pg_advisory_xact_lock(${lockKey});
    WITH gone AS (
      DELETE FROM ${table} WHERE subject = owner AND id IS DISTINCT FROM kept
      RETURNING expires_at > ${NOW} AS live
    ) SELECT count(*) FILTER (WHERE live) INTO ended FROM gone;
    RETURN ended;
  END
  $body$;

  -- Ends all records, also those that are being written; gives how many of them were live.
  CREATE OR REPLACE FUNCTION ${names.endAll}()
  RETURNS bigint LANGUAGE plpgsql VOLATILE AS $body$
  DECLARE
    ended bigint;
  BEGIN
    ${readCommitted}
    LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE;
    WITH gone AS (
      DELETE FROM ${table} RETURNING expires_at > ${NOW} AS live
    ) SELECT count(*) FILTER (WHERE live) INTO ended FROM gone;
    RETURN ended;
  END
  $body$;
`
}
