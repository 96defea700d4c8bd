import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createMapBackend } from '../examples/custom-backend.ts'
import { createSqlStore } from '../examples/custom-store.ts'
import fetchCounter from '../examples/fetch-counter.ts'
import { createBackend, createSessionManager } from '../src/index.ts'
import { backendContract, createTestClock, storeContract } from '../src/testing/index.ts'

const running: ChildProcess[] = []
const folder = mkdtempSync(join(tmpdir(), 'sojourn-examples-'))

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Runs an example in a process of its own; resolves to its origin. */
function start(example: string): Promise<string> {
  const path = fileURLToPath(new URL(`../examples/${example}`, import.meta.url))
  const env = {
    ...process.env,
    PORT: '0',
    SESSIONS: join(folder, `${example}.sqlite`),
    NO_COLOR: '1',
  }
  const child = spawn(process.execPath, [path], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${example} exited with ${code}`)))
    child.stdout?.on('data', (data: Buffer) => {
      const port = /port: (\d+)/.exec(data.toString())?.[1]
      if (port !== undefined) resolve(`http://localhost:${port}`)
    })
  })
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

/** What two visits of one browser and one of another get to see. */
async function visit(origin: string): Promise<string[]> {
  const first = await fetch(origin)
  const again = await fetch(origin, { headers: { cookie: cookieOf(first) } })
  const other = await fetch(origin)
  return [await first.text(), await again.text(), await other.text()]
}

const COUNTED = ['visit 1\n', 'visit 2\n', 'visit 1\n']

describe.each(['node-counter.ts', 'custom-backend.ts'])('%s', (example) => {
  it('counts the visits of each browser', async () => {
    expect(await visit(await start(example))).toEqual(COUNTED)
  })
})

describe('node-login.ts', () => {
  it('logs in and out, and shows devices', async () => {
    const origin = await start('node-login.ts')
    const post = (path: string, headers: Record<string, string>) =>
      fetch(`${origin}${path}`, { method: 'POST', headers })
    const wrong = await post('/login?name=ann', { 'x-password': 'guess' })
    expect([wrong.status, cookieOf(wrong)]).toEqual([403, ''])
    const password = { 'x-password': 'correct horse' }
    const phone = cookieOf(await post('/login?name=ann', { ...password, 'user-agent': 'phone' }))
    const laptop = cookieOf(await post('/login?name=ann', { ...password, 'user-agent': 'laptop' }))
    const get = async (path: string, cookie: string) =>
      (await fetch(`${origin}${path}`, { headers: { cookie } })).text()
    expect(await get('/', phone)).toBe('hello ann\n')
    expect(await get('/devices', phone)).toBe('phone, laptop\n')
    expect(await (await post('/logout-others', { cookie: phone })).text()).toBe('1 ended\n')
    expect(await get('/', laptop)).toBe('hello stranger\n')
    expect(await (await post('/logout', { cookie: phone })).text()).toBe('goodbye\n')
    expect(await get('/', phone)).toBe('hello stranger\n')
  })
})

describe('fetch-counter.ts', () => {
  it('counts the visits of each browser', async () => {
    // Node's server has no fetch handlers; Bun and Deno make these requests themselves.
    const server = createServer((request, response) => {
      const headers = { cookie: request.headers.cookie ?? '' }
      void fetchCounter
        .fetch(new Request('http://localhost/', { headers }))
        .then(async (answer) => {
          response.setHeaders(answer.headers)
          response.end(await answer.text())
        })
    })
    await once(server.listen(0), 'listening')
    try {
      const { port } = server.address() as AddressInfo
      expect(await visit(`http://localhost:${port}`)).toEqual(COUNTED)
    } finally {
      server.close()
    }
  })
})

describe('custom-backend.ts', () => {
  const clock = createTestClock()
  const create = () => createMapBackend(clock.now)
  it.each(backendContract({ create, advance: clock.advance }))(
    'keeps its contract: $name',
    async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    },
  )
})

describe('custom-store.ts', () => {
  const clock = createTestClock()
  const create = () => createSqlStore(new DatabaseSync(':memory:'), clock.now)
  it.each(storeContract({ create, advance: clock.advance }))(
    'keeps its contract: $name',
    async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    },
  )

  it('has the whole lifecycle with it', async () => {
    const sessions = createSessionManager({ backend: createBackend(create()) })
    const phone = await sessions.generate('cart', { subject: 'ann' })
    const laptop = await sessions.generate('cart')
    await sessions.bind(laptop, 'ann')
    expect(await sessions.clearSubject('ann', { except: laptop })).toBe(1)
    expect(await sessions.fromKey(phone.key)).toEqual({ ok: false, reason: 'not_found' })
    expect(await sessions.fromKey(laptop.key)).toMatchObject({ ok: true })
  })
})
