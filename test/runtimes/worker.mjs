// What a worker with sessions is made of, and the contract on memory. It is bundled, as workers are.
import { createSessionManager } from 'sojourn'
import { createFetchAdapter } from 'sojourn/adapters/fetch'
import { createCookieBackend } from 'sojourn/backends/cookie'
import { createMemoryBackend } from 'sojourn/backends/memory'
import { backendContract, createTestClock } from 'sojourn/testing'

// A worker may start no timer and draw no random bytes before it has a request.
const handlers = new Map()
const BACKENDS = {
  memory: () => createMemoryBackend({ sweepEveryMs: 0 }),
  sealed: () =>
    createCookieBackend({
      secrets: ['a secret for the tests, of more than 32 characters'],
      audience: 'worker',
    }),
}

function handlerOf(backend) {
  const known = handlers.get(backend)
  if (known !== undefined) return known
  const sessions = createSessionManager({ backend: BACKENDS[backend]() })
  const handler = createFetchAdapter(sessions)(async ({ url }, session) => {
    if (url.endsWith('/logout')) {
      await session.clear()
      return new Response('logged out')
    }
    const visits = await session.update((before = 0) => before + 1, { unversioned: true })
    return new Response(`visit ${visits}`)
  })
  handlers.set(backend, handler)
  return handler
}

async function contract() {
  const { advance, now } = createTestClock()
  const create = () => createMemoryBackend({ now, sweepEveryMs: 0 })
  const report = { passed: 0, failed: [] }
  for (const { name, run } of backendContract({ create, advance })) {
    try {
      await run()
      report.passed += 1
    } catch (error) {
      report.failed.push(`${name}: ${error.stack}`)
    }
  }
  return Response.json(report)
}

export default {
  fetch(request) {
    if (request.url.endsWith('/contract')) return contract()
    return handlerOf(request.url.endsWith('/sealed') ? 'sealed' : 'memory')(request)
  },
}
