import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import fetchCounter from '../examples/fetch-counter.ts'

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

describe('node-counter.ts', () => {
  it('counts the visits of each browser', async () => {
    const origin = await start('node-counter.ts')
    const first = await fetch(origin)
    expect(await first.text()).toBe('visit 1\n')
    const headers = { cookie: cookieOf(first) }
    expect(await (await fetch(origin, { headers })).text()).toBe('visit 2\n')
    expect(await (await fetch(origin)).text()).toBe('visit 1\n')
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
    const url = 'http://localhost/'
    const first = await fetchCounter.fetch(new Request(url))
    expect(await first.text()).toBe('visit 1\n')
    const again = new Request(url, { headers: { cookie: cookieOf(first) } })
    expect(await (await fetchCounter.fetch(again)).text()).toBe('visit 2\n')
  })
})
