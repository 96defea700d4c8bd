/** What is bound to a statement. Texts are sent as bytes, so that the connection's character set does not matter. */
export type MysqlValue = number | null | Uint8Array

/** A statement with the settings that this backend needs, whatever the pool's own are. */
export interface MysqlStatement {
  readonly sql: string
  readonly rowsAsArray: true
  readonly nestTables: false
  readonly namedPlaceholders: false
  readonly metaAsArray: false
  readonly logParam: false
  readonly checkNumberRange: false
  readonly typeCast: <T>(column: { buffer(): T }) => T
}

/** The part of a connection with promises, as mariadb's, that this backend calls. */
export interface MysqlConnection {
  query(statement: MysqlStatement): Promise<unknown>
  execute(statement: MysqlStatement, values: MysqlValue[]): Promise<unknown>
  release(): unknown
}

/** The part of a pool with promises, as mariadb's, that this backend calls. */
export interface MysqlPool {
  execute(statement: MysqlStatement, values: MysqlValue[]): Promise<unknown>
  getConnection(): Promise<MysqlConnection>
}

/** The part of a connection with callbacks, as mysql2's, that this backend calls. */
export interface MysqlCallbackConnection {
  query(statement: MysqlStatement, done: MysqlCallback): unknown
  execute(statement: MysqlStatement, values: MysqlValue[], done: MysqlCallback): unknown
  release(): unknown
  destroy(): unknown
}

/** How a connection with callbacks reports. */
export type MysqlCallback = (error: Error | null, result: unknown) => void

/** The part of a pool with callbacks, as mysql2's, that this backend calls. */
export interface MysqlCallbackPool {
  getConnection(done: (error: Error | null, connection: MysqlCallbackConnection) => void): unknown
  /** Tells it from a pool with promises. */
  promise(): unknown
}

/** A pool of `mysql2/promise`, which has one with callbacks inside. */
export interface MysqlPromisePool {
  readonly pool: MysqlCallbackPool
}

/** A connection of a pool, and a way to close it whatever it is doing. */
export interface MysqlBorrowed extends MysqlConnection {
  readonly destroy?: () => unknown
}

/** How a pool is used. */
export interface MysqlAccess {
  /** Borrows a connection. */
  readonly borrow: () => Promise<MysqlBorrowed>
  /**
   * Executes a statement that cannot leave a transaction open, on a connection that the driver looks after. Left out
   * where a connection can be closed instead.
   */
  readonly execute?: MysqlPool['execute']
}

/**
 * Makes the `MysqlAccess` of what the application has.
 *
 * mysql2 is used by its callbacks, which its promises are made of: they cost a tenth of a read. mariadb's connections
 * cannot be closed: one has itself killed on the server, which ends the process when there is nothing to kill any more.
 * So plain statements are left to its pool, and calls of procedures have a connection of their own, which is rolled back
 * when one fails. Given back by hand, it may send a ROLLBACK of its own, which nobody waits for.
 *
 * @throws TypeError when it is no pool.
 */
export function accessTo(pool: MysqlPool | MysqlCallbackPool | MysqlPromisePool): MysqlAccess {
  const inner = innerOf(pool)
  if (typeof inner?.getConnection !== 'function') {
    throw new TypeError('"pool" must be a pool of mysql2 or mariadb')
  }
  if (!hasPromise(inner)) {
    return {
      borrow: async () => withoutDestroy(await inner.getConnection()),
      execute: (statement, values) => inner.execute(statement, values),
    }
  }
  const borrow = (): Promise<MysqlBorrowed> =>
    new Promise((resolve, reject) => {
      inner.getConnection((error, connection) => {
        if (error) reject(error)
        else resolve(withPromises(connection))
      })
    })
  return { borrow }
}

function innerOf(
  pool: Partial<MysqlPool & MysqlPromisePool> | MysqlCallbackPool,
): MysqlPool | MysqlCallbackPool {
  const inner = pool !== null && typeof pool === 'object' && 'pool' in pool ? pool.pool : undefined
  return hasPromise(inner) ? inner : (pool as MysqlPool)
}

function hasPromise(pool: unknown): pool is MysqlCallbackPool {
  return typeof (pool as Partial<MysqlCallbackPool> | undefined)?.promise === 'function'
}

function withoutDestroy(connection: MysqlConnection): MysqlBorrowed {
  return {
    query: (statement) => connection.query(statement),
    execute: (statement, values) => connection.execute(statement, values),
    release: () => connection.release(),
  }
}

function withPromises(connection: MysqlCallbackConnection): MysqlBorrowed {
  return {
    query: (statement) =>
      promised((done) => {
        connection.query(statement, done)
      }),
    execute: (statement, values) =>
      promised((done) => {
        connection.execute(statement, values, done)
      }),
    release: () => connection.release(),
    destroy: () => connection.destroy(),
  }
}

function promised(run: (done: MysqlCallback) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    run((error, result) => {
      if (error) reject(error)
      else resolve(result)
    })
  })
}
