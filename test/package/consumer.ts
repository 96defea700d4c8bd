// What a user with strict settings writes. It is compiled against the packed declarations, every one of them checked.
import { createSessionManager, isSessionError } from 'sojourn'
import type { Session, SessionManager } from 'sojourn'
import { createFetchAdapter } from 'sojourn/adapters/fetch'
import { createNodeAdapter } from 'sojourn/adapters/node'
import { createMemoryBackend } from 'sojourn/backends/memory'
import { createSqliteBackend } from 'sojourn/backends/sqlite'
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

export async function count(session: Session<Visits>): Promise<number> {
  try {
    const { visits } = await sessions.update(session, (value) => ({ visits: value.visits + 1 }))
    return visits
  } catch (error) {
    if (isSessionError(error) && error.code === 'ERR_SESSION_GONE') return 0
    throw error
  }
}

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
