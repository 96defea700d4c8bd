import { existsSync } from 'node:fs'
import { createConnection as connectMariadb } from 'mariadb'
import mysql from 'mysql2/promise'
import { Client } from 'pg'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isFree } from './free-port.ts'
import { startMariadb } from './mariadb.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import type { TestServer } from './server-process.ts'

/** One question to a server, on a connection of its own. It fails where the server does. */
type Ask = (url: string, question: string) => Promise<unknown>

const askPostgres: Ask = async (url, question) => {
  const client = new Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(question)).rows.flatMap((row: object) => Object.values(row))
  } finally {
    await client.end()
  }
}

const askRedis: Ask = async (url, question) => {
  const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    return [await client.sendCommand(question.split(' '))].flat()
  } finally {
    client.destroy()
  }
}

const askMariadb: Ask = async (url, question) => {
  const connection = await mysql.createConnection(url)
  try {
    const [rows] = await connection.query(question)
    return Array.isArray(rows) ? rows.flatMap((row) => Object.values(row)) : []
  } finally {
    await connection.end()
  }
}

const SERVERS = [
  {
    name: 'PostgreSQL',
    start: startPostgres,
    ask: askPostgres,
    write: ['CREATE TABLE kept (text text)', "INSERT INTO kept VALUES ('kept')"],
    read: 'SELECT text FROM kept',
    durable: [
      ['SHOW fsync', 'on'],
      ['SHOW synchronous_commit', 'on'],
    ],
    set: { settings: { work_mem: '5MB' }, question: 'SHOW work_mem', answer: '5MB' },
  },
  {
    name: 'Redis',
    start: startRedis,
    ask: askRedis,
    write: ['SET key kept'],
    read: 'GET key',
    durable: [
      ['CONFIG GET appendfsync', 'always'],
      ['CONFIG GET appendonly', 'yes'],
    ],
    set: {
      settings: { maxmemory: '20mb' },
      question: 'CONFIG GET maxmemory',
      answer: String(20 * 1024 * 1024),
    },
  },
  {
    name: 'MariaDB',
    start: startMariadb,
    ask: askMariadb,
    write: ['CREATE TABLE kept (text varchar(9))', "INSERT INTO kept VALUES ('kept')"],
    read: 'SELECT text FROM kept',
    durable: [['SELECT @@innodb_flush_log_at_trx_commit', 1]],
    set: {
      settings: { 'lock-wait-timeout': '7' },
      question: 'SELECT @@global.lock_wait_timeout',
      answer: 7,
    },
  },
] as const

describe.each(SERVERS)('a $name of the tests', ({ start, ask, write, read, durable, set }) => {
  let server: TestServer
  beforeAll(async () => {
    server = await start({ settings: set.settings })
    for (const statement of write) await ask(server.url, statement)
  })
  afterAll(() => server.stop())

  it('answers on a port of its own, with the settings it was given', async () => {
    expect(new URL(server.url).host).toBe(`127.0.0.1:${server.port}`)
    expect(await ask(server.url, set.question)).toContain(set.answer)
  })

  it('makes writes durable', async () => {
    for (const [question, answer] of durable)
      expect(await ask(server.url, question)).toContain(answer)
  })

  it('is gone after SIGKILL, and has its data after a restart', async () => {
    await server.kill('SIGKILL')
    await expect(ask(server.url, read)).rejects.toThrow(/ECONNREFUSED/)
    await expect(server.kill('SIGKILL')).rejects.toThrow('does not run')
    await server.restart()
    expect(await ask(server.url, read)).toEqual(['kept'])
  })

  it('hangs from SIGSTOP to SIGCONT', async () => {
    await server.kill('SIGSTOP')
    let answered = false
    const answer = ask(server.url, read).finally(() => (answered = true))
    // Longer than any of them takes to answer.
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(answered).toBe(false)
    await server.kill('SIGCONT')
    expect(await answer).toEqual(['kept'])
  })

  it('restarts while it runs, and while it hangs', async () => {
    await server.restart()
    expect(await ask(server.url, read)).toEqual(['kept'])
    await server.kill('SIGSTOP')
    await server.restart()
    expect(await ask(server.url, read)).toEqual(['kept'])
  })

  it('leaves neither folder nor port when it is stopped, twice, and stays so', async () => {
    await server.kill('SIGSTOP')
    await server.stop()
    await server.stop()
    expect(existsSync(server.folder)).toBe(false)
    expect(await isFree(server.port)).toBe(true)
    await expect(server.restart()).rejects.toThrow('was stopped')
  })
})

it('a URL of a MariaDB suits both drivers', async () => {
  const server = await startMariadb()
  const connection = await connectMariadb(server.url)
  expect(await connection.query('SELECT database() AS name')).toMatchObject([{ name: 'sojourn' }])
  await connection.end()
  expect(await askMariadb(server.url, 'SELECT database()')).toEqual(['sojourn'])
  await server.stop()
})

it('a server that does not start says why, and leaves no folder', async () => {
  await expect(startPostgres({ settings: { shared_buffers: 'many' } })).rejects.toThrow(
    /PostgreSQL ended: .*shared_buffers/s,
  )
  await expect(startRedis({ settings: { 'no-such-setting': '1' } })).rejects.toThrow(
    /redis ended: .*no-such-setting/s,
  )
})
