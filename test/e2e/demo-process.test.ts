import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { createClient, holdPost } from './support/client.ts'
import { portOf, startDemo } from './support/demo-server.ts'
import type { DemoServer } from './support/demo-server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const demos: DemoServer[] = []

afterEach(async () => {
  for (const demo of demos.splice(0)) await demo.close()
})

async function newDemo(): Promise<DemoServer> {
  const demo = await startDemo()
  demos.push(demo)
  return demo
}

describe('npm start', () => {
  it('prints its address and serves HTML there within ten seconds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-start-'))
    const env = { ...process.env, PORT: '0', SOJOURN_DEMO_DB: join(folder, 'demo.sqlite') }
    // A group of its own, so that the server ends together with npm.
    const npm = spawn('npm', ['start'], { cwd: ROOT, env, stdio: 'pipe', detached: true })
    const exited = once(npm, 'exit')
    try {
      const response = await fetch(`http://localhost:${await portOf(npm)}/`)
      expect(response.status).toBe(200)
      expect(await response.text()).toMatch(/^<!doctype html>/)
    } finally {
      if (npm.pid !== undefined) process.kill(-npm.pid, 'SIGKILL')
      await exited
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('the demo', () => {
  it('keeps sessions and users through a stop and a crash', async () => {
    const demo = await newDemo()
    const client = createClient(demo.origin)
    await client.post('/signup', { name: 'lasting', password: 'correct horse battery' })
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await client.post('/count')
      await demo.stop(signal)
      await demo.start()
    }
    expect(await client.text('/account')).toContain('Hello, lasting')
    expect(await client.text('/')).toContain('id="count">2<')
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`lets a request finish at ${signal}, and then exits with 0`, async () => {
      const demo = await newDemo()
      const client = createClient(demo.origin)
      await client.post('/count')
      const held = await holdPost(demo.origin, '/count', client.cookie())
      const stopped = demo.stop(signal)
      const answer = await held.finish({})
      expect([answer.statusCode, answer.headers.location]).toEqual([303, '/#count'])
      expect(await stopped).toBe(0)
      await demo.start()
      expect(await client.text('/')).toContain('id="count">2<')
    })
  }

  it('exits with 0 though a request never finishes', async () => {
    const demo = await newDemo()
    const held = await holdPost(demo.origin, '/count', 'none=')
    expect(await demo.stop('SIGTERM')).toBe(0)
    await expect(held.finish({})).rejects.toThrow('socket hang up')
  })

  it('says which port is taken, and how to pick another', async () => {
    const demo = await newDemo()
    const env = { ...process.env, PORT: new URL(demo.origin).port, SOJOURN_DEMO_DB: ':memory:' }
    const second = spawn(process.execPath, [join(ROOT, 'demo/server.ts')], { env, stdio: 'pipe' })
    const exited = once(second, 'exit')
    await expect(portOf(second)).rejects.toThrow(/cannot listen on port \d+.*PORT picks another/)
    expect(await exited).toEqual([1, null])
  })

  it('prints nothing but its address', async () => {
    const demo = await newDemo()
    await createClient(demo.origin).post('/count')
    expect(demo.output()).toBe(
      `Sojourn demo: ${demo.origin} (sessions in ${demo.file})\n` +
        'In Chromium or Firefox: Safari keeps no Secure cookie of a plain http://localhost.\n',
    )
  })
})
