// What a framework does with the headers of its functions, only its own build shows. This builds an application of
// Next.js with the recipes for it, submits its forms as a browser without scripts does, and fails where a session is lost
// or a cookie is set that nobody asked for. Installs Next.js from the npm registry, in a folder of its own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { installPacked, packPackage, root, run } from '../package/pack.ts'
import { FILES } from './next/application.ts'

const NEXT = [
  'next@16',
  'react@19',
  'react-dom@19',
  'typescript@5',
  '@types/react@19',
  '@types/node@24',
]
const RECIPES = ['next-route.ts', 'next-actions.ts']
const KEY =
  /^__Host-session=[\w-]{22}\.[\w-]{43}; Path=\/; .*Max-Age=604800; Secure; HttpOnly; SameSite=lax$/

function write(project: string, name: string, text: string): void {
  const path = join(project, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** A recipe as it is in an application, which has the package from npm. */
function recipe(name: string): string {
  return readFileSync(join(root, 'examples', name), 'utf8')
    .replaceAll(/'\.\.\/src\/index\.ts'/g, "'sojourn'")
    .replaceAll(/'\.\.\/src\/(.*)\.ts'/g, "'sojourn/$1'")
    .replaceAll(/'\.\/(.*)\.ts'/g, "'./$1'")
}

async function start(next: string, project: string): Promise<readonly [ChildProcess, string]> {
  const child = spawn(process.execPath, [next, 'start', '-p', '0', '-H', '127.0.0.1'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const [origin] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
    if (origin !== undefined) return [child, origin]
  }
  throw new Error('Next.js has not started')
}

/** A browser without scripts, on one page. */
function createBrowser(origin: string) {
  let cookie = ''
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(origin + path, { ...init, redirect: 'manual', headers: { cookie, origin } })

  async function page(): Promise<string> {
    return (await ask('/')).text()
  }

  async function items(): Promise<unknown> {
    const [, text = ''] = /data-items="([^"]*)"/.exec(await page()) ?? []
    return JSON.parse(text.replaceAll('&quot;', '"')) as unknown
  }

  async function submit(id: string): Promise<Response> {
    const [form = ''] = new RegExp(`<form[^>]*id="${id}".*?</form>`).exec(await page()) ?? []
    const body = new FormData()
    for (const [, name = '', value = ''] of form.matchAll(/name="([^"]*)"(?: value="([^"]*)")?/g)) {
      body.append(name, value)
    }
    const response = await ask('/', { method: 'POST', body })
    const [line] = response.headers.getSetCookie()
    if (line !== undefined) cookie = line.split(';')[0] ?? ''
    return response
  }

  return { ask, items, submit, cookie: () => cookie }
}

async function drive(origin: string): Promise<void> {
  const { ask, items, submit, cookie } = createBrowser(origin)
  const lines = ({ headers }: Response): string[] => headers.getSetCookie()
  assert.deepEqual(await items(), [])
  assert.deepEqual(lines(await submit('nothing')), [])
  const [line = '', ...others] = lines(await submit('add'))
  assert.match(line, KEY)
  assert.deepEqual(others, [])
  assert.deepEqual(await items(), ['tea'])
  const redirected = await submit('go')
  assert.equal(redirected.status, 303)
  assert.match(lines(redirected)[0] ?? '', KEY)
  assert.deepEqual(await items(), ['tea', 'milk'])
  const before = cookie()
  assert.match(lines(await submit('out'))[0] ?? '', /^__Host-session=; Path=\/; .*Max-Age=0; /)
  assert.notEqual(cookie(), before)
  assert.deepEqual(await items(), [])
  const wrong = await ask('/wrong')
  assert.equal(wrong.status, 500)
  assert.deepEqual(lines(wrong), [])
  const posted = await ask('/cart', { method: 'POST' })
  assert.equal(posted.status, 303)
  assert.match(lines(posted)[0] ?? '', /^__Host-session=[\w-]{22}\.[\w-]{43}; /)
}

const packed = await packPackage()
try {
  const project = await installPacked(packed, 'next')
  await run('npm', ['install', '--no-audit', '--no-fund', ...NEXT], { cwd: project })
  for (const [name, text] of Object.entries(FILES)) write(project, name, text)
  for (const name of RECIPES) write(project, join('lib', name), recipe(name))
  const next = join(project, 'node_modules/next/dist/bin/next')
  const began = performance.now()
  await run(process.execPath, [next, 'build'], { cwd: project })
  const seconds = Math.round((performance.now() - began) / 1000)
  const [server, origin] = await start(next, project)
  try {
    await drive(origin)
  } finally {
    server.kill()
    await once(server, 'exit')
  }
  console.log(`built in ${seconds} s; reads in a component, writes in actions and a route: as said`)
} finally {
  packed.remove()
}
