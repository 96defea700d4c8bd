// Runs in a project that has installed the package, under whatever runtime is to be tried: both contracts on every
// backend that this runtime has, and real requests through both adapters. It has no test runner to lean on, and
// prints one line of JSON.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createSessionManager, UnsupportedOperationError } from 'sojourn'
import { createFetchAdapter } from 'sojourn/adapters/fetch'
import { createNodeAdapter } from 'sojourn/adapters/node'
import { createCookieBackend } from 'sojourn/backends/cookie'
import { createMemoryBackend } from 'sojourn/backends/memory'
import { createSqliteBackend } from 'sojourn/backends/sqlite'
import { backendContract, createTestClock, storeContract } from 'sojourn/testing'

// Stores are not exported by themselves: applications get backends.
const dist = pathToFileURL(join(process.cwd(), 'node_modules/sojourn/dist/'))
const { createMemoryStore } = await import(new URL('backends/memory.js', dist).href)
const { createSqliteStore } = await import(new URL('backends/sqlite/store.js', dist).href)
const { prepareFile } = await import(new URL('backends/sqlite/schema.js', dist).href)

const onBun = process.versions.bun !== undefined
const onDeno = process.versions.deno !== undefined
const nodeSqlite = process.getBuiltinModule?.('node:sqlite')
const folder = mkdtempSync(join(tmpdir(), 'sojourn-smoke-'))
const report = {
  runtime: nameOfRuntime(),
  passed: {},
  skipped: [],
  failed: [],
}

function nameOfRuntime() {
  const { bun, deno, node } = process.versions
  if (onBun) return `bun ${bun}`
  return onDeno ? `deno ${deno}` : `node ${node}`
}

async function section(title, cases) {
  let passed = 0
  for (const { name, skip, run } of cases) {
    if (skip !== undefined) {
      report.skipped.push(`${title}: ${name}: ${skip}`)
      continue
    }
    try {
      await run()
      passed += 1
    } catch (error) {
      report.failed.push(`${title}: ${name}: ${error.stack}`)
    }
  }
  report.passed[title] = passed
}

async function memory() {
  const clock = createTestClock()
  const { advance, now } = clock
  const createBackend = () => createMemoryBackend({ now, sweepEveryMs: 0 })
  const createStore = () => createMemoryStore(now)
  await section('memory backend', backendContract({ create: createBackend, advance }))
  await section('memory store', storeContract({ create: createStore, advance }))
}

async function sealed() {
  const secrets = ['a secret for the tests, of more than 32 characters']
  const sessions = createSessionManager({
    backend: createCookieBackend({ secrets, audience: 'smoke' }),
  })
  const value = 'é'.repeat(2000)
  const session = await sessions.generate(value)
  const fields = sessions.toCookieHeaders(session).filter(([name]) => name === 'Set-Cookie')
  const cookie = fields.map(([, line]) => line.split(';')[0]).join('; ')
  const found = async (header) => sessions.fromHeaders(header)
  await section('sealed cookies', [
    {
      name: 'come back',
      run: async () => assert.equal((await found(cookie)).session.value, value),
    },
    {
      name: 'do not open when they are changed',
      run: async () => {
        assert.equal(fields.length, 2)
        for (const at of [20, 30, 4000, cookie.length - 1]) {
          const other = cookie[at] === 'A' ? 'B' : 'A'
          const changed = cookie.slice(0, at) + other + cookie.slice(at + 1)
          assert.deepEqual(await found(changed), { ok: false, reason: 'not_found' })
        }
      },
    },
  ])
}

let files = 0
function newFile() {
  files += 1
  return join(folder, `${files}.db`)
}

async function sqlite(title, open, backendOf) {
  const { advance, now } = createTestClock()
  const opened = new Map()
  const createStore = () => {
    const database = open(newFile())
    prepareFile(database, 'sojourn_sessions')
    const store = createSqliteStore(database, 'sojourn_sessions', now)
    opened.set(store, database)
    return store
  }
  const createBackend = () => backendOf({ now, sweepEveryMs: 0 })
  const closeBackend = (backend) => backend.close()
  const closeStore = (store) => void opened.get(store).close()
  await section(
    `${title} backend`,
    backendContract({ create: createBackend, destroy: closeBackend, advance }),
  )
  await section(
    `${title} store`,
    storeContract({ create: createStore, destroy: closeStore, advance }),
  )
}

async function sqlites() {
  if (nodeSqlite === undefined) {
    await section('a path without node:sqlite', [
      { name: 'is refused with the reason', run: async () => assertPathRefused() },
    ])
  } else {
    const open = (path) => new nodeSqlite.DatabaseSync(path)
    await sqlite('node:sqlite', open, (options) => createSqliteBackend(newFile(), options))
  }
  if (!onBun) return
  const { Database } = await import('bun:sqlite')
  const open = (path) => new Database(path)
  await sqlite('bun:sqlite', open, (options) => {
    const database = open(newFile())
    const backend = createSqliteBackend(database, options)
    const stop = backend.close
    const close = () => {
      stop()
      database.close()
    }
    return Object.assign(backend, { close })
  })
}

function assertPathRefused() {
  assert.throws(
    () => createSqliteBackend(newFile()),
    (error) => error instanceof UnsupportedOperationError && /node:sqlite/.test(error.message),
  )
}

async function assertCounts(origin) {
  const first = await fetch(origin)
  assert.equal(await first.text(), 'visit 1')
  const [line] = first.headers.getSetCookie()
  assert.match(line, /^__Host-session=[\w-]{22}\.[\w-]{43}; Max-Age=604800; /)
  assert.equal(first.headers.get('cache-control'), 'no-store')
  const [cookie] = line.split(';')
  const second = await fetch(origin, { headers: { cookie } })
  assert.equal(await second.text(), 'visit 2')
  const third = await fetch(`${origin}/logout`, { headers: { cookie } })
  assert.match(third.headers.getSetCookie()[0], /^__Host-session=; Max-Age=0; /)
  const fourth = await fetch(origin, { headers: { cookie } })
  assert.equal(await fourth.text(), 'visit 1')
}

async function answer(url, session) {
  if (url.endsWith('/logout')) {
    await session.clear()
    return 'logged out'
  }
  return `visit ${await session.update((visits = 0) => visits + 1)}`
}

async function withNodeServer(listener) {
  const server = createServer(listener)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await assertCounts(`http://127.0.0.1:${server.address().port}`)
  } finally {
    server.closeAllConnections?.()
    server.close()
  }
}

async function throughNodeAdapter() {
  const adapter = createNodeAdapter(createSessionManager({ backend: createMemoryBackend() }))
  await withNodeServer(async (request, response) => {
    response.end(await answer(request.url, adapter(request, response)))
  })
}

async function throughFetchAdapter() {
  const withSession = createFetchAdapter(createSessionManager({ backend: createMemoryBackend() }))
  const handler = withSession(async ({ url }, session) => new Response(await answer(url, session)))
  if (onBun) {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => handler(request),
    })
    try {
      await assertCounts(`http://127.0.0.1:${server.port}`)
    } finally {
      await server.stop(true)
    }
    return
  }
  if (onDeno) {
    const options = { port: 0, hostname: '127.0.0.1', onListen: () => {} }
    const server = Deno.serve(options, (request) => handler(request))
    try {
      await assertCounts(`http://127.0.0.1:${server.addr.port}`)
    } finally {
      await server.shutdown()
    }
    return
  }
  // Node has no server of this kind: the least that turns one into the other.
  await withNodeServer(async ({ url, headers }, response) => {
    const { cookie } = headers
    const init = cookie === undefined ? {} : { headers: { cookie } }
    const reply = await handler(new Request(new URL(url, 'http://localhost'), init))
    response.setHeaders(reply.headers)
    response.end(await reply.text())
  })
}

function assertRequired() {
  const required = createRequire(join(process.cwd(), 'index.cjs'))('sojourn')
  assert.equal(required.createSessionManager, createSessionManager)
}

try {
  await memory()
  await sealed()
  await sqlites()
  await section('http', [
    { name: 'counts through adapters/node', run: throughNodeAdapter },
    { name: 'counts through adapters/fetch', run: throughFetchAdapter },
  ])
  await section('require', [{ name: 'gives the same module', run: async () => assertRequired() }])
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(JSON.stringify(report))
