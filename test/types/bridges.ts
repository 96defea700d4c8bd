import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { Keyv } from 'keyv'
import createMemoryStore from 'memorystore'
import { createClient } from 'redis'
import { createExpressStoreBackend } from '../../src/backends/express-store.ts'
import type { ExpressStore } from '../../src/backends/express-store.ts'
import { createKeyvBackend } from '../../src/backends/keyv.ts'
import type { KeyvClient } from '../../src/backends/keyv.ts'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { createUnstorageBackend } from '../../src/backends/unstorage.ts'
import type { BridgeBackend, UnstorageStorage } from '../../src/backends/unstorage.ts'
import { createSessionManager } from '../../src/index.ts'
import type { SessionBackend } from '../../src/index.ts'

// What is installed here with types of its own fits as it is, without a cast. connect-pg-simple and
// session-file-store have none, and those of unstorage do not compile: see test/backends/unstorage.test.ts.
export const keyv: KeyvClient = new Keyv({ namespace: 'sessions' })
export const numbers: KeyvClient = new Keyv<number>()
export const memory: ExpressStore = new session.MemoryStore()
export const checked: ExpressStore = new (createMemoryStore(session))({ checkPeriod: 60_000 })
export const redis: ExpressStore = new RedisStore({ client: createClient() })
export const any: ExpressStore = {} as session.Store

// A program that augments the session, as the documentation of express-session says, goes on compiling.
declare module 'express-session' {
  interface SessionData {
    views: number
  }
}

// How far the conditional writes reach is in the type, and in no other backend's.
const bridge: BridgeBackend = createKeyvBackend(new Keyv(), { period: 60, sweepEveryMs: 0 })
export const reach: 'process' = bridge.conditionalWrites
export const backend: SessionBackend = createExpressStoreBackend(memory, { prefix: 'sessions-' })
createSessionManager<number>({ backend: bridge })
// @ts-expect-error
export const memoryReach: 'process' = createMemoryBackend().conditionalWrites
// @ts-expect-error
export const noBridge: BridgeBackend = createMemoryBackend()

// What is no engine does not fit.
// @ts-expect-error
createKeyvBackend(new Map())
// @ts-expect-error
createExpressStoreBackend(new Map())
// @ts-expect-error
createUnstorageBackend(new Map())
// @ts-expect-error
createUnstorageBackend({} as UnstorageStorage, { prefix: 'sessions-' })
// @ts-expect-error
createKeyvBackend(new Keyv(), { ttl: 60 })
