import { isHandle } from '../../core/key.ts'
import type { Handle } from '../../core/key.ts'
import { NOW, namesOf } from './schema.ts'

/** A message as `pg` hands it on. */
export interface PgMessage {
  readonly channel: string
  readonly payload?: string | undefined
}

/** The part of a `Client` of `pg` that a near cache listens on: one of its own, not one of a pool. */
export interface PgListener {
  query(text: string): PromiseLike<unknown>
  on(event: 'notification', listener: (message: PgMessage) => void): unknown
  off?(event: 'notification', listener: (message: PgMessage) => void): unknown
}

/** The part of postgres.js's `sql` that a near cache listens on. */
export interface ListeningClient {
  listen(channel: string, callback: (payload: string) => void): PromiseLike<unknown>
}

/** What a near cache listens on. */
export type PostgresListener = PgListener | ListeningClient

/** The code of the warning when there is nothing to be heard. */
export const LISTEN_WARNING = 'SOJOURN_POSTGRES_LISTEN'

// What a message says of more sessions than fit into its 8,000 bytes.
const ALL = '*'
const MOST = 256

/** In lower case, so that it is the same channel with quotes and without. Tables of one name in two schemas share it. */
function channelOf(entry: string): string {
  return `${entry.toLowerCase()}_ended`
}

/**
 * The SQL that `migrate()` sends beside `postgresSchema` where the near cache has a `listener`, for whoever runs
 * migrations by other means: triggers on the table that tell of each session that ends, or whose key, subject or
 * labels change, and of nothing else: a value, a touch or a sweep sends no message. It may be run again.
 *
 * A transaction that sends one waits for the others that do, in the whole server, when it commits.
 *
 * @throws TypeError when `table` is not a plain SQL name, or one with its schema.
 */
export function postgresNotices(table = 'sojourn_sessions'): string {
  const names = namesOf(table)
  const channel = channelOf(names.entry)
  const [changed, ended, emptied] = ['changed', 'ended', 'emptied'].map(
    (what) => `${names.entry}_${what}`,
  )
  return `DO $sojourn$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('sojourn migrate', 0));
  IF EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = to_regclass('${names.table}') AND tgname = '${ended}'
  ) THEN
    RETURN;
  END IF;
  CREATE OR REPLACE FUNCTION ${names.tell}() RETURNS trigger LANGUAGE plpgsql AS $body$
  DECLARE
    ids text[];
  BEGIN
    IF TG_OP = 'UPDATE' THEN
      PERFORM pg_notify('${channel}', NEW.id);
    ELSIF TG_OP = 'TRUNCATE' THEN
      PERFORM pg_notify('${channel}', '${ALL}');
    ELSE
      ids := ARRAY(SELECT id FROM gone WHERE expires_at > ${NOW} LIMIT ${MOST + 1});
      IF cardinality(ids) > ${MOST} THEN
        PERFORM pg_notify('${channel}', '${ALL}');
      ELSIF cardinality(ids) > 0 THEN
        PERFORM pg_notify('${channel}', array_to_string(ids, ' '));
      END IF;
    END IF;
    RETURN NULL;
  END
  $body$;
  CREATE TRIGGER "${changed}" AFTER UPDATE ON ${names.table} FOR EACH ROW
    WHEN (OLD.security_version <> NEW.security_version OR NEW.expires_at < OLD.expires_at)
    EXECUTE FUNCTION ${names.tell}();
  CREATE TRIGGER "${emptied}" AFTER TRUNCATE ON ${names.table} FOR EACH STATEMENT
    EXECUTE FUNCTION ${names.tell}();
  CREATE TRIGGER "${ended}" AFTER DELETE ON ${names.table} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION ${names.tell}();
END
$sojourn$`
}

/**
 * Accepts a listener.
 *
 * @throws TypeError when it is none.
 */
export function assertListener(listener: PostgresListener): void {
  if (typeof listener === 'function' || (typeof listener === 'object' && listener !== null)) {
    if ('listen' in listener) return
    if ('query' in listener && 'on' in listener && !('totalCount' in listener)) return
  }
  throw new TypeError('"listener" must be a Client of pg, or an sql of postgres.js')
}

/**
 * Calls `forget` for each record that the triggers tell of, and without one for more than fit into a message. A
 * listener that cannot listen is a warning of the process: the bound holds without it. What is returned ends it; a
 * `Client` of `pg` stays on the channel, which others may listen to.
 */
export function onNotice(
  listener: PostgresListener,
  table: string,
  forget: (recordId?: Handle) => void,
): () => void {
  const channel = channelOf(namesOf(table).entry)
  const hear = (payload: string): void => {
    if (payload === ALL) forget()
    else for (const id of payload.split(' ')) if (isHandle(id)) forget(id)
  }
  const { listening, stop } = listen(listener, channel, hear)
  listening.then(undefined, () => {
    process.emitWarning('the near cache hears of no changes: its listener could not LISTEN', {
      code: LISTEN_WARNING,
    })
  })
  return stop
}

interface Listening {
  readonly listening: PromiseLike<unknown>
  readonly stop: () => void
}

const watched = new WeakSet<PgListener>()

function listen(
  listener: PostgresListener,
  channel: string,
  hear: (payload: string) => void,
): Listening {
  if ('listen' in listener) {
    const listening = listener.listen(channel, hear)
    const unlisten = (done: unknown) => (done as { unlisten?(): unknown }).unlisten?.()
    return { listening, stop: () => void listening.then(unlisten).then(undefined, () => {}) }
  }
  if (!watched.has(listener)) {
    watched.add(listener)
    // A connection that breaks is not to end the process.
    const breaking = listener as unknown as { on(event: 'error', ignore: () => void): unknown }
    breaking.on('error', () => {})
  }
  const receive = (message: PgMessage): void => {
    if (message.channel === channel) hear(message.payload ?? '')
  }
  listener.on('notification', receive)
  const listening = listener.query(`LISTEN "${channel}"`)
  return { listening, stop: () => void listener.off?.('notification', receive) }
}
