import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createNodeAdapter } from '../../src/adapters/node.ts'
import { createSqliteBackend } from '../../src/backends/sqlite.ts'
import { createSessionManager, isSessionError } from '../../src/index.ts'
import type { RequestSession } from '../../src/index.ts'

const COOKIE = { name: 'sid', secure: false }
const closing: (() => void)[] = []
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-deployments-'))
})

afterEach(() => {
  for (const close of closing.splice(0).toReversed()) close()
  rmSync(folder, { recursive: true, force: true })
})

function openBackend() {
  const backend = createSqliteBackend(join(folder, 'sessions.db'), { sweepEveryMs: 0 })
  closing.push(() => backend.close())
  return backend
}

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>

/** Serves `handle` on a port of its own, and gives the address. */
async function deploy(handle: Handle): Promise<string> {
  const server = createServer((request, response) => {
    handle(request, response)
      .then((body) => response.end(JSON.stringify(body ?? null)))
      .catch((error: unknown) => {
        response.statusCode = 500
        response.end(JSON.stringify(isSessionError(error) ? error.code : 'unknown'))
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A browser that keeps its one cookie. */
function createBrowser() {
  let cookie = ''
  return {
    forget: () => void (cookie = ''),
    async ask(url: string): Promise<{ status: number; body: unknown }> {
      const headers: Record<string, string> = cookie === '' ? {} : { cookie }
      const response = await fetch(url, { headers })
      const [line] = response.headers.getSetCookie()
      if (line !== undefined) cookie = line.split(';')[0] ?? ''
      return { status: response.status, body: await response.json() }
    },
  }
}

/** The shop as it was: a cart is a list of ids. */
function deployFirst(): Promise<string> {
  const schema = z.object({ cart: z.array(z.string()) })
  const manager = createSessionManager({ backend: openBackend(), cookie: COOKIE, schema })
  const session = createNodeAdapter(manager)
  return deploy(async (request, response) => {
    const mine = session(request, response)
    if (request.url !== '/buy') return (await mine.load())?.value
    return mine.update((value) => ({ cart: [...(value?.cart ?? []), 'tea'] }))
  })
}

const first = z.object({ cart: z.array(z.string()) })
const second = z.object({
  items: z.array(z.object({ id: z.string(), amount: z.int() })),
  boughtAt: z.coerce.date().nullable().default(null),
})

const buy = (mine: RequestSession<z.output<typeof second>, z.input<typeof second>>) =>
  mine.update((value) => ({
    items: [...(value?.items ?? []), { id: 'salt', amount: 1 }],
    boughtAt: '2026-11-28T10:00:00.000Z',
  }))

/** The shop as it is now: items have amounts. */
function deploySecond({ migrates }: { readonly migrates: boolean }): Promise<string> {
  const migrate = (value: unknown) => {
    const old = first.safeParse(value)
    return old.success ? { items: old.data.cart.map((id) => ({ id, amount: 1 })) } : undefined
  }
  const manager = createSessionManager({
    backend: openBackend(),
    cookie: COOKIE,
    schema: second,
    migrate: migrates ? migrate : undefined,
  })
  const session = createNodeAdapter(manager)
  return deploy(async (request, response) => {
    const mine = session(request, response)
    return request.url === '/buy' ? buy(mine) : (await mine.load())?.value
  })
}

describe('a deployment that changes the form of values', () => {
  const TEA = { id: 'tea', amount: 1 }
  const SALT = { id: 'salt', amount: 1 }

  it('goes on with the sessions of the one before, over HTTP', async () => {
    const before = await deployFirst()
    const browser = createBrowser()
    await browser.ask(`${before}/buy`)
    await browser.ask(`${before}/buy`)
    const after = await deploySecond({ migrates: true })
    const migrated = { items: [TEA, TEA], boughtAt: null }
    expect(await browser.ask(after)).toEqual({ status: 200, body: migrated })
    // A read has written nothing: the old one, still running beside it, reads what it wrote.
    expect(await browser.ask(before)).toEqual({ status: 200, body: { cart: ['tea', 'tea'] } })
    const bought = { items: [TEA, TEA, SALT], boughtAt: '2026-11-28T10:00:00.000Z' }
    expect(await browser.ask(`${after}/buy`)).toEqual({ status: 200, body: bought })
    expect(await browser.ask(after)).toEqual({ status: 200, body: bought })
    // From now on the session is one of the new form: the old one says so, and ends nothing.
    const refused = { status: 500, body: 'ERR_SESSION_INVALID_VALUE' }
    expect(await browser.ask(before)).toEqual(refused)
    expect(await browser.ask(`${before}/buy`)).toEqual(refused)
    expect(await browser.ask(after)).toEqual({ status: 200, body: bought })
  })

  it('says so where it does not migrate, and ends nothing', async () => {
    const before = await deployFirst()
    const browser = createBrowser()
    await browser.ask(`${before}/buy`)
    const after = await deploySecond({ migrates: false })
    const refused = { status: 500, body: 'ERR_SESSION_INVALID_VALUE' }
    expect(await browser.ask(after)).toEqual(refused)
    expect(await browser.ask(`${after}/buy`)).toEqual(refused)
    expect(await browser.ask(before)).toEqual({ status: 200, body: { cart: ['tea'] } })
  })
})
