import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createUnstorageBackend, createUnstorageStore } from '../../src/backends/unstorage.ts'
import type { UnstorageStorage } from '../../src/backends/unstorage.ts'
import { BackendError } from '../../src/index.ts'
import { createTestClock } from '../../src/testing/index.ts'
import { bridgeSuite, createFolders, expectOutage } from './bridges-suite.ts'

type Driver = (options?: object) => object

// Loaded, and not imported: the declarations of unstorage do not compile with `skipLibCheck: false`.
const load = createRequire(import.meta.url)
const { createStorage } = load('unstorage') as {
  createStorage: (options?: { driver: object }) => UnstorageStorage
}
const [memoryDriver, fsDriver, fsLiteDriver, lruDriver, nullDriver] = [
  'memory',
  'fs',
  'fs-lite',
  'lru-cache',
  'null',
].map((name) => load(`unstorage/drivers/${name}`) as Driver) as [
  Driver,
  Driver,
  Driver,
  Driver,
  Driver,
]

const folder = createFolders()
const quiet = { sweepEveryMs: 0 }

const DRIVERS: Readonly<Record<string, () => object>> = {
  memory: () => memoryDriver(),
  fs: () => fsDriver({ base: folder() }),
  'lru-cache': () => lruDriver({}),
}

for (const [name, driver] of Object.entries(DRIVERS)) {
  bridgeSuite(`createUnstorageBackend on ${name}`, {
    createStore: (options) => createUnstorageStore(createStorage({ driver: driver() }), options),
    createBackend: (options) =>
      createUnstorageBackend(createStorage({ driver: driver() }), { ...quiet, ...options }),
  })
}

describe('createUnstorageBackend', () => {
  it('keeps what others hold in the same storage, whatever it clears', async () => {
    const storage = createStorage({ driver: fsDriver({ base: folder() }) })
    await storage.setItem('cache:page', 'theirs', { ttl: 60 })
    const [one, two] = ['app:one', 'app:two'].map((base) =>
      createUnstorageBackend(storage, { ...quiet, base }),
    )
    await one!.generate({ value: 'a', subject: 'ann' })
    const key = await two!.generate({ value: 'b', subject: 'ann' })
    expect(await one!.clearAll()).toBe(1)
    expect(await storage.getItem('cache:page')).toBe('theirs')
    expect(await two!.get(key)).toMatchObject({ ok: true, value: 'b' })
    expect(await two!.list('ann')).toHaveLength(1)
  })

  it('leaves no file behind of sessions that have ended or expired', async () => {
    const base = folder()
    const clock = createTestClock()
    const storage = createStorage({ driver: fsDriver({ base }) })
    const backend = createUnstorageBackend(storage, { ...quiet, now: clock.now, absolute: 120 })
    const files = () =>
      readdirSync(base, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    await backend.generate({ value: 'b', subject: 'bob' })
    expect(files()).toHaveLength(4)
    await backend.clear(key)
    expect(files()).toHaveLength(2)
    clock.advance(300)
    expect(await backend.sweep()).toBe(1)
    await backend.sweep()
    expect(files()).toHaveLength(0)
  })

  it('sweeps by itself, until it is closed', async () => {
    const clock = createTestClock()
    const storage = createStorage({ driver: memoryDriver() })
    const options = { now: clock.now, period: 60, absolute: 60, sweepEveryMs: 1 }
    const backend = createUnstorageBackend(storage, options)
    await backend.generate({ value: 'a' })
    clock.advance(61)
    await expect.poll(async () => storage.getKeys(''), { interval: 1 }).toEqual([])
    backend.close()
    backend.close()
    expect(await backend.list('ann')).toEqual([])
  })

  // A file where the folder was: the driver returns the errors of its reads, and drops those of its removals.
  it.each([
    ['fs', fsDriver],
    ['fs-lite', fsLiteDriver],
  ])('reports a folder of %s that is none as a fault', async (_, driver) => {
    const base = join(folder(), 'sessions')
    const options = { ...quiet, base: 'sojourn' }
    const backend = createUnstorageBackend(createStorage({ driver: driver({ base }) }), options)
    const key = await backend.generate({ value: 'a', subject: 'ann' })
    rmSync(base, { recursive: true })
    writeFileSync(base, '')
    await expectOutage(backend, key)
  })

  it.each([
    ['is read-only', () => fsDriver({ base: folder(), readOnly: true })],
    ['keeps nothing', () => nullDriver()],
  ])('refuses a driver that %s at the first session', async (_, driver) => {
    const backend = createUnstorageBackend(createStorage({ driver: driver() }), quiet)
    await expect(backend.generate({ value: 'a' })).rejects.toBeInstanceOf(BackendError)
  })

  it('reports a logout that the driver did nothing about as a fault', async () => {
    const options = { base: folder(), readOnly: false }
    const backend = createUnstorageBackend(createStorage({ driver: fsDriver(options) }), quiet)
    const key = await backend.generate({ value: 'a' })
    options.readOnly = true
    await expect(backend.clear(key)).rejects.toBeInstanceOf(BackendError)
    expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
  })

  it('reports what is no record of its own as a fault, without showing it', async () => {
    const storage = createStorage({ driver: memoryDriver() })
    const backend = createUnstorageBackend(storage, quiet)
    const key = await backend.generate({ value: 'a' })
    const [item] = await storage.getKeys('')
    for (const text of [
      'sojourn/1 {"recordId":"tell-tale',
      'tell-tale',
      '{"tell-tale":1}',
      'sojourn/1 null',
    ]) {
      await storage.setItem(item!, text, { ttl: 60 })
      const error: unknown = await backend.get(key).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(BackendError)
      expect(String((error as BackendError).cause)).not.toContain('tell-tale')
    }
  })

  it('refuses options that are not as described', () => {
    const storage = createStorage()
    for (const base of ['', ':', 'a:', 'a b', 'a/b', 'a?', '..']) {
      expect(() => createUnstorageBackend(storage, { base })).toThrow(TypeError)
    }
    for (const timeoutMs of [0, -1, NaN, 1.5]) {
      expect(() => createUnstorageBackend(storage, { timeoutMs })).toThrow(RangeError)
    }
    expect(() => createUnstorageBackend(new Map() as never)).toThrow(TypeError)
    expect(() => createUnstorageBackend(undefined as never)).toThrow(TypeError)
  })

  it('takes a storage of unstorage without a cast', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const cache = join(root, 'node_modules/.cache')
    mkdirSync(cache, { recursive: true })
    const project = mkdtempSync(join(cache, 'unstorage-'))
    try {
      const source = relative(project, join(root, 'src/backends/unstorage.ts'))
      writeFileSync(join(project, 'index.ts'), fitting(source))
      const compilerOptions = { noEmit: true, skipLibCheck: true }
      const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ ...config, exclude: [] }))
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      await expect(run(process.execPath, [tsc, '-p', project])).resolves.toBeDefined()
    } finally {
      rmSync(project, { recursive: true })
    }
  })
})

const run = promisify(execFile)

function fitting(source: string): string {
  return `
    import { createStorage, prefixStorage } from 'unstorage'
    import fsDriver from 'unstorage/drivers/fs'
    import { createUnstorageBackend } from '${source}'
    const storage = createStorage({ driver: fsDriver({ base: 'sessions' }) })
    export const reach: 'process' = createUnstorageBackend(storage, { period: 60 }).conditionalWrites
    createUnstorageBackend(createStorage<string>())
    createUnstorageBackend(prefixStorage(storage, 'app'), { base: 'sessions' })
    // @ts-expect-error
    createUnstorageBackend(new Map())
  `
}
