/** What a column of this backend's results holds: all of them are `text`, so that no type parser has a say. */
export type Cell = string | null

/** A query as `pg` takes it. */
export interface PgQuery {
  readonly text: string
  readonly name?: string
  readonly values?: Cell[]
  readonly rowMode: 'array'
  readonly query_timeout?: number
}

/** The part of `pg`'s `Pool` and `Client` that this backend calls. */
export interface PgClient {
  query(query: PgQuery): PromiseLike<{ readonly rows: readonly unknown[] }>
  connect(): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The part of postgres.js's `sql` that this backend calls, or knows it by. */
export interface PostgresJsClient {
  unsafe(
    text: string,
    values?: Cell[],
    options?: {
      readonly prepare?: boolean
      readonly simple?: boolean
      readonly onexecute?: () => boolean
    },
  ): PromiseLike<unknown> & { values(): PromiseLike<readonly unknown[]> }
  begin(...args: never[]): unknown
}

/** The part of PGlite that this backend calls, or knows it by. */
export interface PgliteClient {
  query(
    text: string,
    values?: Cell[],
    options?: { readonly rowMode?: 'array' },
  ): PromiseLike<{ readonly rows: readonly unknown[] }>
  exec(text: string): PromiseLike<unknown>
}

/** A client of PostgreSQL: `pg`, postgres.js or PGlite, by the methods that are called. */
export type PostgresClient = PgClient | PostgresJsClient | PgliteClient

/** One statement of this backend. */
export interface Statement {
  readonly text: string
  /** Its name as a prepared statement. Left out, it is planned anew each time, with its parameters in view. */
  readonly name?: string
  /** How many times the usual time it may take. Default: 1. */
  readonly patience?: number
}

/** Sends one statement; a fault is thrown as `faultOf` makes it. */
export type Ask = (statement: Statement, values: Cell[]) => Promise<readonly (readonly Cell[])[]>

/** A client of any kind. */
export interface Connection {
  /** Sends one statement, and gives its rows. A fault is thrown as the client has it. */
  readonly ask: Ask
}

const LONGEST_MS = 2 ** 31 - 1
// The caller is told first. `pg` then gives up the connection that hangs, later by as much again: its timer, unlike the
// core's, takes an answer for late that came in time while the event loop was busy.
const PG_FACTOR = 2

/**
 * Tells the kinds of client apart by their methods.
 *
 * @throws TypeError for what is none.
 */
export function connectionOf(
  client: PostgresClient,
  prepare: boolean,
  timeoutMs: number,
): Connection {
  if (has(client, 'unsafe') && has(client, 'begin'))
    return postgresJs(client as PostgresJsClient, prepare)
  if (has(client, 'query') && has(client, 'exec')) return pglite(client as PgliteClient)
  if (has(client, 'query') && has(client, 'connect') && has(client, 'on')) {
    return pg(client as PgClient, prepare, timeoutMs)
  }
  throw new TypeError('"client" must be a Pool or Client of pg, an sql of postgres.js, or a PGlite')
}

function has(client: unknown, method: string): boolean {
  const isObject = typeof client === 'object' ? client !== null : typeof client === 'function'
  return isObject && typeof (client as Record<string, unknown>)[method] === 'function'
}

type Send = <T>(query: () => PromiseLike<T>) => PromiseLike<T>

// Several backends may be made on one client.
const known = new WeakMap<PgClient, Send>()

function pg(client: PgClient, prepare: boolean, timeoutMs: number): Connection {
  const send = known.get(client) ?? ('totalCount' in client ? atOnce : createQueue())
  // An idle connection that breaks would end the process. The next query tells whoever it concerns.
  if (!known.has(client)) client.on('error', () => {})
  known.set(client, send)
  return {
    async ask({ text, name, patience = 1 }, values) {
      const query = {
        text,
        values,
        rowMode: 'array',
        query_timeout: Math.min(timeoutMs * patience * PG_FACTOR, LONGEST_MS),
        ...(prepare && name !== undefined && { name }),
      } as const
      const { rows } = await send(() => client.query(query))
      return rows as readonly Cell[][]
    },
  }
}

/** A `Pool` takes any number of queries at once. */
const atOnce: Send = (query) => query()

/** A `Client` is to have one query after the other, and from version 9 of `pg` on takes no more than one. */
function createQueue(): Send {
  let last: Promise<unknown> = Promise.resolve()
  return (query) => {
    const answer = last.then(query)
    last = answer.catch(() => {})
    return answer
  }
}

function postgresJs(sql: PostgresJsClient, prepare: boolean): Connection {
  return {
    async ask({ text, name }, values) {
      const prepared = prepare && name !== undefined
      // A statement without parameters would go by the simple protocol. Other statements sent behind it, before its
      // answer, come in two parts then, which PgBouncer before 1.21 loses. And on a connection of its own, by "begin",
      // a connection that breaks ends the process: an uncaught TypeError, its issue 1208.
      // What postgres.js asks of its transactions keeps others from being sent behind one that waits for a lock.
      const alone = values.length === 0 && { onexecute: () => false }
      const sent = sql.unsafe(text, values, { prepare: prepared, simple: false, ...alone })
      return (await sent.values()) as readonly Cell[][]
    },
  }
}

function pglite(client: PgliteClient): Connection {
  return {
    async ask({ text }, values) {
      const { rows } = await client.query(text, values, { rowMode: 'array' })
      return rows as readonly Cell[][]
    },
  }
}
