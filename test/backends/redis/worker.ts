// One of several processes on one Redis: does the task it is told to once it is told "go".
import { once } from 'node:events'
import { createRedisBackend } from '../../../src/backends/redis.ts'
import { connectionOf } from '../../../src/backends/redis/connection.ts'
import { createRedisStore } from '../../../src/backends/redis/store.ts'
import { createSessionManager, SessionGoneError } from '../../../src/index.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'
import { connectIoRedis, connectNodeRedis } from './clients.ts'
import { connectIoRedisCluster, connectNodeRedisCluster } from './cluster-clients.ts'

const CONNECT = {
  'node-redis': connectNodeRedis,
  ioredis: connectIoRedis,
  'node-redis cluster': connectNodeRedisCluster,
  'ioredis cluster': connectIoRedisCluster,
}

const [task = '', driver = '', url = '', prefix = '', argument = ''] = process.argv.slice(2)
const { client, close } = await CONNECT[driver as keyof typeof CONNECT](url)
const sessions = createSessionManager<number>({ backend: createRedisBackend(client, { prefix }) })

async function load() {
  const found = await sessions.fromKey(argument)
  if (!found.ok) throw new Error('the session of the test is missing')
  return found.session
}

/** Sixteen increments of one session at once. */
async function increment(): Promise<void> {
  const loaded = await Promise.all(Array.from({ length: 16 }, load))
  await ready()
  await Promise.all(loaded.map((session) => sessions.update(session, (count) => count + 1)))
}

/** Increments until the session is gone. */
async function write(): Promise<void> {
  const session = await load()
  await ready()
  for (let written = 0; ; written++) {
    try {
      await sessions.update(session, (count) => count + 1)
    } catch (error) {
      if (!(error instanceof SessionGoneError)) throw error
      console.log(written)
      return
    }
    if (written === 20) console.log('busy')
  }
}

/** Eight sessions of a subject that may have five. */
async function crowd(): Promise<void> {
  const store = createRedisStore(connectionOf(client), prefix)
  await ready()
  const results = await Promise.all(
    Array.from({ length: 8 }, async () =>
      store.create(draft({ subject: 'ann' }), { maxPerSubject: 5, atLimit: 'refuse' }),
    ),
  )
  console.log(results.filter(({ ok }) => ok).length)
}

async function ready(): Promise<void> {
  const told = once(process.stdin, 'data')
  console.log('ready')
  await told
}

const TASKS = { increment, write, crowd }
await TASKS[task as keyof typeof TASKS]()
process.stdin.destroy()
await close()
