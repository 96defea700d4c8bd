// One of several processes on one Redis: does the task it is told to once it is told "go".
import { createRedisBackend } from '../../../src/backends/redis.ts'
import { connectionOf } from '../../../src/backends/redis/connection.ts'
import { createRedisStore } from '../../../src/backends/redis/store.ts'
import { createSessionManager } from '../../../src/index.ts'
import { crowd, sessionTasks } from '../../processes/tasks.ts'
import type { Tasks } from '../../processes/tasks.ts'
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

const tasks: Tasks = {
  ...sessionTasks(() => sessions, argument),
  crowd: () => crowd(createRedisStore(connectionOf(client), prefix), argument),
}
await tasks[task]?.()
await close()
