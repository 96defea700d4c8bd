// What a user with strict settings writes. It is compiled against the packed declarations, every one of them checked.
import { createSessionManager, isSessionError, onSessionEvent } from 'sojourn'
import type { Session, SessionManager } from 'sojourn'
import { createFetchAdapter } from 'sojourn/adapters/fetch'
import { createNodeAdapter } from 'sojourn/adapters/node'
import { startTelemetry } from 'sojourn/adapters/opentelemetry'
import { createExpressStoreBackend, type ExpressStore } from 'sojourn/backends/express-store'
import { createKeyvBackend, type KeyvClient } from 'sojourn/backends/keyv'
import { createMemoryBackend } from 'sojourn/backends/memory'
import { createMysqlBackend, type MysqlPool } from 'sojourn/backends/mysql'
import { createPostgresBackend, type PostgresClient } from 'sojourn/backends/postgres'
import { createRedisBackend, type RedisClient } from 'sojourn/backends/redis'
import { createSqliteBackend } from 'sojourn/backends/sqlite'
import { createUnstorageBackend, type UnstorageStorage } from 'sojourn/backends/unstorage'
import { backendContract, createTestClock } from 'sojourn/testing'

interface Visits {
  readonly visits: number
}

const clock = createTestClock()
const sessions: SessionManager<Visits> = createSessionManager<Visits>({
  backend: createMemoryBackend({ now: clock.now }),
  cookie: { name: '__Host-visits', sameSite: 'Strict' },
})
createSessionManager({ backend: createSqliteBackend('sessions.db', { period: 1800 }) })

declare const clients: {
  readonly store: ExpressStore
  readonly keyv: KeyvClient
  readonly mysql: MysqlPool
  readonly postgres: PostgresClient
  readonly redis: RedisClient
  readonly storage: UnstorageStorage
}
const { signal } = new AbortController()
export const backends = [
  createExpressStoreBackend(clients.store, { period: 1800 }),
  createKeyvBackend(clients.keyv, { period: 1800 }),
  createMysqlBackend(clients.mysql, { table: 'sessions', signal }),
  createPostgresBackend(clients.postgres, { prepare: false, timeoutMs: 1000 }),
  createRedisBackend(clients.redis, { prefix: 'shop:', onEviction: 'refuse' }),
  createUnstorageBackend(clients.storage, { sweepEveryMs: 0 }),
]

export async function count(session: Session<Visits>): Promise<number> {
  try {
    const { visits } = await sessions.update(session, (value) => ({ visits: value.visits + 1 }))
    return visits
  } catch (error) {
    if (isSessionError(error) && error.code === 'ERR_SESSION_GONE') return 0
    throw error
  }
}

export const stops: (() => void)[] = [
  onSessionEvent('sojourn:key.reused', ({ handle, subject, ended }) => {
    console.warn('reused', handle, subject, ended)
  }),
  startTelemetry({}),
]
export const node = createNodeAdapter(sessions)
export const handle = createFetchAdapter(sessions)(async (_request: Request, session) => {
  const { visits } = (await session.update((value = { visits: 0 }) => value)) ?? { visits: 0 }
  return new Response(`${visits}`)
})
export const names: readonly string[] = backendContract({
  create: () => createMemoryBackend(),
}).map(({ name }) => name)

// @ts-expect-error The declarations are really read: were they `any`, this line would compile.
void sessions.generate('three')
