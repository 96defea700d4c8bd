import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createMysqlBackend } from '../../src/backends/mysql.ts'
import type { MysqlBackend } from '../../src/backends/mysql.ts'
import { BackendError } from '../../src/index.ts'
import { startMariadb } from '../servers/mariadb.ts'
import type { MariadbServer } from '../servers/mariadb.ts'
import { startProxy } from '../servers/proxy.ts'
import { DRIVER_NAMES, DRIVERS } from './mysql/open.ts'
import type { Settings, TestPool } from './mysql/open.ts'

const ABSENT = `${'a'.repeat(22)}.${'a'.repeat(43)}`
const SOCKET_LIMIT = { mysql2: {}, mariadb: { socketTimeout: 1500 } } as const
const CONNECT_LIMIT = { mysql2: { connectTimeout: 50 }, mariadb: { acquireTimeout: 100 } } as const
const unhandled: unknown[] = []
const notice = (error: unknown): void => void unhandled.push(error)
let server: MariadbServer
let observer: TestPool
const opened: TestPool[] = []

beforeAll(async () => {
  server = await startMariadb()
  observer = DRIVERS.mysql2(server.url, {})
  process.on('unhandledRejection', notice)
})

afterAll(async () => {
  process.off('unhandledRejection', notice)
  await Promise.allSettled(opened.map((pool) => pool.end()))
  await observer?.end().catch(() => {})
  await server?.stop()
})

async function faultOf(promise: Promise<unknown>): Promise<BackendError> {
  const error = await promise.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(BackendError)
  return error as BackendError
}

/** Waits until the backend answers again. */
async function recovered(backend: MysqlBackend, key: string): Promise<void> {
  await vi.waitFor(async () => expect(await backend.get(key)).toMatchObject({ ok: true }), {
    timeout: 30_000,
    interval: 100,
  })
}

describe.each(DRIVER_NAMES)('createMysqlBackend on %s, in an outage', (driver) => {
  async function start(options: { timeoutMs?: number } = {}, settings: Settings = {}) {
    const pool = DRIVERS[driver](server.url, { connectionLimit: 2, ...settings })
    opened.push(pool)
    const backend = createMysqlBackend(pool.pool, { timeoutMs: 1000, sweepEveryMs: 20, ...options })
    await backend.migrate()
    const key = await backend.generate({ value: 'a' })
    return { pool, backend, key }
  }

  it('goes on when its connections are killed', async () => {
    const { backend, key } = await start()
    for (let round = 0; round < 3; round++) {
      const processes = await observer.query(
        'SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()',
      )
      for (const [id] of processes) await observer.query(`KILL ${String(id)}`).catch(() => {})
      await recovered(backend, key)
      expect(await backend.set(key, `${round}`)).toMatchObject({ ok: true })
    }
    backend.close()
    expect(unhandled).toEqual([])
  })

  it('reports an ended pool as a fault and not as a missing session', async () => {
    const { pool, backend, key } = await start()
    await pool.end()
    const operations = [
      () => backend.get(key),
      () => backend.set(key, 'b'),
      () => backend.set(key, 'b', { version: 1 }),
      () => backend.clear(key),
      () => backend.generate({ value: 'c' }),
      () => backend.rotate(key, 1),
      () => backend.list('ann'),
      () => backend.sweep(),
      () => backend.migrate(),
    ]
    for (const operation of operations) {
      expect((await faultOf(operation())).cause).toBeInstanceOf(Error)
    }
    backend.close()
    expect(unhandled).toEqual([])
  })

  it('goes on after the server was killed and started again, with all that it acknowledged', async () => {
    const { backend, key } = await start()
    expect(await backend.set(key, 'acknowledged', { version: 1 })).toMatchObject({ version: 2 })
    await server.kill('SIGKILL')
    for (const operation of [
      () => backend.get(key),
      () => backend.set(key, 'b', { version: 2 }),
      () => backend.generate(),
    ]) {
      const begun = performance.now()
      await faultOf(operation())
      expect(performance.now() - begun).toBeLessThan(6000)
    }
    await server.restart()
    await recovered(backend, key)
    // What was not acknowledged may have waited in the pool, and been done since.
    const found = await backend.get(key)
    const texts = { 2: 'acknowledged', 3: 'b' } as const
    const { version, value } = found as { version: 2 | 3; value: string }
    expect(value).toBe(texts[version])
    expect(await backend.set(key, 'c')).toMatchObject({ ok: true })
    backend.close()
    expect(unhandled).toEqual([])
  })

  it('gives up in time on a server that hangs, and goes on when it does', async () => {
    const { backend, key } = await start()
    await server.kill('SIGSTOP')
    try {
      // Until the last of its threads has stopped.
      while (await backend.get(key).catch(() => undefined));
      const begun = performance.now()
      const faults = [1, 2, 3, 4].map(() => faultOf(backend.get(key)))
      for (const { message } of await Promise.all(faults)) {
        expect(message).toBe('the backend gave no answer within 1000 ms')
      }
      expect(performance.now() - begun).toBeLessThan(6000)
      await faultOf(backend.set(key, 'b', { version: 1 }))
    } finally {
      await server.kill('SIGCONT')
    }
    await recovered(backend, key)
    expect(await backend.set(key, 'c')).toMatchObject({ ok: true })
    backend.close()
    expect(unhandled).toEqual([])
  })

  it('reports a connection that the driver could not open in time as a fault', async () => {
    // Takes a connection, and never says anything on it.
    const mute = createServer().listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    const url = server.url.replace(`:${server.port}/`, `:${port}/`)
    const { pool, end } = DRIVERS[driver](url, CONNECT_LIMIT[driver])
    const backend = createMysqlBackend(pool, { sweepEveryMs: 0 })
    for (const ask of [() => backend.get(ABSENT), () => backend.set(ABSENT, 'b')]) {
      const { message, cause } = await faultOf(ask())
      expect(message).not.toContain('within')
      expect((cause as Error).message).toMatch(/connect ETIMEDOUT|failed to retrieve/)
    }
    await end().catch(() => {})
    mute.close()
    expect(unhandled).toEqual([])
  })

  it('takes no connection back that hung, nor with it what was open on it', async () => {
    // mariadb closes it by a limit of its own.
    const { backend, key } = await start({}, { connectionLimit: 1, ...SOCKET_LIMIT[driver] })
    const holder = await (observer.pool as import('mysql2/promise').Pool).getConnection()
    await holder.query('START TRANSACTION')
    await holder.query('SELECT id FROM sojourn_sessions FOR UPDATE')
    await faultOf(backend.set(key, 'late', { version: 1 }))
    // The only connection of the pool waits for the lock, and is given up: there is room for another.
    await vi.waitFor(async () => expect(await backend.get(key)).toMatchObject({ ok: true }), {
      timeout: 10_000,
      interval: 100,
    })
    await holder.query('ROLLBACK')
    holder.release()
    backend.close()
    expect(unhandled).toEqual([])
  })

  it('sweeps on after a step whose answer never came', async () => {
    const proxy = await startProxy(server.port)
    const url = server.url.replace(`:${server.port}/`, `:${proxy.port}/`)
    const through = DRIVERS[driver](url, { connectionLimit: 2 })
    opened.push(through)
    const table = `swept_by_${driver}`
    const backend = createMysqlBackend(through.pool, { table, timeoutMs: 200, sweepEveryMs: 20 })
    await backend.migrate()
    const expire = () =>
      createMysqlBackend(observer.pool, { table, sweepEveryMs: 0 }).generate({
        expiry: -1000,
      })
    const swept = () =>
      vi.waitFor(async () => expect(await observer.query(`SELECT id FROM ${table}`)).toEqual([]), {
        timeout: 20_000,
        interval: 50,
      })
    await expire()
    await swept()
    proxy.stall()
    // Twice the longest wait between two steps, and more: one is under way.
    for (let calls = 0; calls < 3; calls++) await faultOf(backend.list('nobody'))
    proxy.cut()
    proxy.resume()
    await expire()
    await swept()
    backend.close()
    await through.end()
    await proxy.stop()
    expect(unhandled).toEqual([])
  })

  it('tells nothing secret in its faults', async () => {
    const { pool, backend, key } = await start()
    const value = 'a secret value'
    const large = value.repeat(2 ** 21)
    const faults = [
      await faultOf(backend.set(key, large, { version: 1 })),
      await faultOf(backend.set(key, large)),
      await faultOf(backend.generate({ value: large, subject: 'a secret subject' })),
    ]
    await observer.query('RENAME TABLE sojourn_sessions TO hidden')
    try {
      faults.push(
        await faultOf(backend.get(key)),
        await faultOf(backend.set(key, value)),
        await faultOf(backend.set(key, value, { version: 1 })),
        await faultOf(backend.generate({ value, subject: 'a secret subject' })),
        await faultOf(backend.list('a secret subject')),
      )
    } finally {
      await observer.query('RENAME TABLE hidden TO sojourn_sessions')
    }
    await pool.end()
    faults.push(await faultOf(backend.set(key, value)))
    const [id = '', secret = ''] = key.split('.')
    const hex = [value, id, secret].map((text) => Buffer.from(text).toString('hex'))
    for (const fault of faults) {
      const shown = `${inspect(fault, { depth: 9, showHidden: true })}${fault.stack}${JSON.stringify(fault.cause)}`
      for (const text of [value, 'secret subject', id, secret, 'sojourn:sojourn', ...hex]) {
        expect(shown).not.toContain(text)
      }
    }
    backend.close()
    expect(unhandled).toEqual([])
  })
})
