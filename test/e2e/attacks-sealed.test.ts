// Somebody who can write to the store, but has no key of the victim's, edits records whose values are sealed: they swap
// them, put old ones back, write values of their own. A site over HTTP, and SQL from beside it.
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { createSessionManager } from '../../src/manager.ts'
import { ADAPTERS, createVisitor, handleIn, shop } from './support/target.ts'
import type { Basket, Visitor } from './support/target.ts'

type Serve = (typeof ADAPTERS)[number][1]

/** Columns of a record, as the attacker reads and writes them. */
type Row = Record<string, string | number | null>

const REFUSED = { status: 500, body: 'ERR_SESSION_BACKEND', setCookies: [] }

async function openShop(serve: Serve) {
  const database = new DatabaseSync(':memory:')
  const backend = createSqliteBackend(database, { sealed: true, sweepEveryMs: 0 })
  const sessions = createSessionManager<Basket>({ backend })
  const { ask, close } = await serve(sessions, shop)
  onTestFinished(close)

  /** A visitor who has logged in and bought something. */
  async function customer(name: string, items: number): Promise<Visitor> {
    const visitor = createVisitor(ask)
    await visitor.visit(`/login/${name}`)
    for (let item = 0; item < items; item++) await visitor.visit('/buy')
    return visitor
  }

  function rowOf(visitor: Visitor): Row {
    const id = handleIn(visitor.cookie())
    return database.prepare('SELECT * FROM sojourn_sessions WHERE id = ?').get(id) as Row
  }

  function write(visitor: Visitor, change: Row): void {
    const columns = Object.keys(change).map((column) => `${column} = ?`)
    const sql = `UPDATE sojourn_sessions SET ${columns.join(', ')} WHERE id = ?`
    const { changes } = database
      .prepare(sql)
      .run(...Object.values(change), handleIn(visitor.cookie()))
    expect(changes).toBe(1)
  }

  return { ask, customer, rowOf, write, count: () => countOf(database) }
}

function countOf(database: DatabaseSync): unknown {
  return database.prepare('SELECT count(*) AS n FROM sojourn_sessions').get()?.['n']
}

describe.each(ADAPTERS)('edits of a store with sealed values, through %s', (_name, serve) => {
  it('do not give one user the value of another', async () => {
    const { customer, rowOf, write } = await openShop(serve)
    const [ann, mallory] = [await customer('ann', 1), await customer('mallory', 2)]
    const [hers, theirs] = [rowOf(ann), rowOf(mallory)]
    for (const columns of [['value'], ['value', 'version'], ['value', 'version', 'extra']]) {
      const swapped = columns.map((column) => [column, hers[column]])
      write(mallory, Object.fromEntries(swapped) as Row)
      expect(await mallory.visit('/')).toMatchObject(REFUSED)
      expect(await mallory.visit('/buy')).toMatchObject(REFUSED)
      write(mallory, theirs)
      expect(await mallory.look()).toBe('mallory with 2 items')
    }
    expect(await ann.look()).toBe('ann with 1 items')
  })

  it('do not put an old value back', async () => {
    const { customer, rowOf, write, count } = await openShop(serve)
    const ann = await customer('ann', 1)
    const { value, version } = rowOf(ann)
    await ann.visit('/buy')
    const now = rowOf(ann)
    for (const change of [{ value }, { version }, { version: Number(now['version']) + 1 }]) {
      write(ann, change as Row)
      expect(await ann.visit('/')).toMatchObject(REFUSED)
      write(ann, now)
    }
    expect(await ann.look()).toBe('ann with 2 items')
    expect(count()).toBe(1)
  })

  it('do not write a value of their own, and lose nobody the session quietly', async () => {
    const { customer, rowOf, write, count } = await openShop(serve)
    const ann = await customer('ann', 1)
    const now = rowOf(ann)
    for (const change of [
      { value: '{"items":1000}' },
      { value: '{"items":1000}', extra: null },
      { extra: null },
      { value: String(now['value']).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) },
    ]) {
      write(ann, change)
      for (const path of ['/', '/buy', '/login/ann', '/rotate', '/renew']) {
        expect(await ann.visit(path)).toMatchObject(REFUSED)
      }
      expect(count()).toBe(1)
      write(ann, now)
    }
    expect(await ann.look()).toBe('ann with 1 items')
    write(ann, { extra: null })
    expect((await ann.visit('/logout')).status).toBe(200)
    expect(await ann.look()).toBe('nobody')
  })

  it('of a session that is renewed, rotated and written meanwhile come to nothing either', async () => {
    const { customer, rowOf, write } = await openShop(serve)
    const ann = await customer('ann', 1)
    const first = rowOf(ann)
    await ann.visit('/renew')
    await ann.visit('/buy')
    const second = rowOf(ann)
    await ann.visit('/rotate')
    const now = rowOf(ann)
    for (const { extra = null } of [first, second]) {
      write(ann, { extra })
      expect(await ann.visit('/')).toMatchObject(REFUSED)
      write(ann, now)
    }
    expect(await ann.look()).toBe('ann with 2 items')
  })
})
