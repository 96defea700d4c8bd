import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { BridgeBackend } from '../../src/core/bridge-backend.ts'
import { BackendError, createSessionManager } from '../../src/index.ts'
import type { LifecyclePolicy, Store } from '../../src/index.ts'
import { backendContract, createTestClock, storeContract } from '../../src/testing/index.ts'
import { renewalSuite } from './renewal-suite.ts'
import { sealedSuite } from './sealed-suite.ts'
import { valuesSuite } from './values-suite.ts'

/** A bridge on one engine. Each call gives an empty one, or a namespace of its own on one engine. */
export interface BridgeUnderTest {
  readonly createStore: (options: {
    readonly now: () => number
    readonly timeoutMs: number
  }) => Store
  readonly createBackend: (
    options: LifecyclePolicy & { readonly now?: () => number },
  ) => BridgeBackend
  /** Whether the engine lists its keys. Default: true. */
  readonly lists?: boolean
}

// What is right must not fail for being slow: files are, on a machine whose disk has other work.
const PATIENCE_MS = 50_000

const NOT_FOUND = { ok: false, reason: 'not_found' }

const UNLISTED = {
  'deleteAll ends every record and counts the live ones':
    'the store cannot list its sessions, and its "clear" would take those of others too',
  'repeated sweeps reach every expired record, whose id is then free':
    'the store removes its sessions by itself, and by its own clock',
}

/** Folders that go when the test file has ended. */
export function createFolders(): () => string {
  const parent = mkdtempSync(join(tmpdir(), 'sojourn-bridges-'))
  afterAll(() => rmSync(parent, { recursive: true, force: true }))
  return () => mkdtempSync(join(parent, 'engine-'))
}

/** Both contracts on a bridge, awkward texts, and races within the process. */
export function bridgeSuite(name: string, bridge: BridgeUnderTest): void {
  const { createStore, lists = true } = bridge
  const createBackend: BridgeUnderTest['createBackend'] = (options) =>
    bridge.createBackend({ timeoutMs: PATIENCE_MS, ...options })
  const clock = createTestClock()
  const { now, advance } = clock

  describe(name, () => {
    describe('storeContract', () => {
      const skip = lists ? {} : UNLISTED
      const create = () => createStore({ now, timeoutMs: PATIENCE_MS })
      const cases = storeContract({ create, advance, skip })
      for (const { name, skip, run } of cases) {
        it(name, async (context) => {
          if (skip !== undefined) context.skip(skip)
          await run()
        })
      }
    })

    describe('backendContract', () => {
      const create = () => createBackend({ period: 60, now })
      for (const { name, run } of backendContract({ create, advance })) it(name, run)
    })

    it('says how far its conditional writes reach', () => {
      expect(createBackend({}).conditionalWrites).toBe('process')
    })

    valuesSuite(() => createBackend({}), { lists })

    renewalSuite((policy) => createBackend({ ...policy, now }), advance)

    sealedSuite(() => createBackend({ sealed: true }))

    it('counts every increment of many updates at once', async () => {
      const patience = { updateTimeoutMs: PATIENCE_MS }
      const sessions = createSessionManager<number>({ backend: createBackend({}), ...patience })
      const { key } = await sessions.generate(0)
      const increment = async () => {
        const found = await sessions.fromKey(key)
        if (found.ok) await sessions.update(found.session, (count) => count + 1)
      }
      await Promise.all(Array.from({ length: 64 }, increment))
      expect(await sessions.fromKey(key)).toMatchObject({ session: { value: 64 } })
    })

    it('brings nothing back that a logout has ended, whoever writes beside it', async () => {
      const backend = createBackend({})
      for (let round = 0; round < 4; round++) {
        const key = await backend.generate({ value: 'a', subject: 'ann' })
        const logOut = round % 2 === 0 ? backend.clear(key) : backend.clearSubject('ann')
        const late = await backend.generate({ value: 'late' })
        const beside = [
          backend.set(key, 'b'),
          backend.rotate(key, 1, { authenticated: true }),
          backend.set(key, 'c', { expiry: 60 }),
          backend.rotate(late, 1, { subject: 'ann' }),
        ]
        await Promise.all([logOut, ...beside])
        expect(await backend.get(key)).toEqual(NOT_FOUND)
        const others = await backend.list('ann')
        expect(others).toHaveLength(1)
        expect(await backend.clearSubject('ann')).toBe(1)
      }
    })

    it.runIf(lists)('ends every session, and counts them', async () => {
      const backend = createBackend({})
      const keys = await Promise.all(
        Array.from({ length: 40 }, async (_, at) => backend.generate({ subject: `user ${at}` })),
      )
      expect(await backend.clearAll()).toBe(40)
      for (const key of keys) expect(await backend.get(key)).toEqual(NOT_FOUND)
      expect(await backend.list('user 7')).toEqual([])
      expect(await backend.clearAll()).toBe(0)
    })

    it.runIf(!lists)('says that it cannot end every session, and ends none', async () => {
      const backend = createBackend({})
      const key = await backend.generate({ value: 'a' })
      const code = 'ERR_SESSION_UNSUPPORTED_OPERATION'
      await expect(backend.clearAll()).rejects.toMatchObject({ code })
      expect(await backend.get(key)).toMatchObject({ ok: true, value: 'a' })
    })
  })
}

/** Expects that a backend on a dead engine says so, whatever is asked of it. */
export async function expectOutage(backend: BridgeBackend, key: string): Promise<void> {
  const operations = {
    get: async () => backend.get(key),
    set: async () => backend.set(key, 'b'),
    clear: async () => backend.clear(key),
    generate: async () => backend.generate({ value: 'c' }),
    login: async () => backend.generate({ value: 'c', subject: 'ann' }),
    rotate: async () => backend.rotate(key, 1),
    list: async () => backend.list('ann'),
    clearSubject: async () => backend.clearSubject('ann'),
    // Whoever asked is told a moment before the step itself gives up: an engine that answers in between lets it go on.
    // Once this has been waited for, no step before it is under way.
    getAgain: async () => backend.get(key),
  }
  const silent: string[] = []
  for (const [name, operation] of Object.entries(operations)) {
    const error = await operation().catch((error: unknown) => error)
    if (!(error instanceof BackendError)) silent.push(name)
  }
  expect(silent).toEqual([])
}
