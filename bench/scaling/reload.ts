// How fast a Redis has its sessions again after a restart: `node bench/scaling/reload.ts [sessions]`. In seconds of its
// main thread's CPU time, which is what loading waits for, and which other work on the machine does not change much.
import { createClient } from 'redis'
import { createRedisBackend } from '../../src/backends/redis.ts'
import { startRedis } from '../../test/servers/redis.ts'

const sessions = Number(process.argv[2] ?? 300_000)
const CALLERS = 256
const ROUNDS = 5
const value = JSON.stringify({ user: 4711, cart: 'x'.repeat(256) })

const server = await startRedis({ settings: { appendonly: 'no', 'enable-debug-command': 'yes' } })
const client = await createClient({ url: server.url }).connect()
const backend = createRedisBackend(client, { timeoutMs: 60_000 })

async function info(section: string, field: string): Promise<number> {
  return Number(new RegExp(`${field}:([\\d.]+)`).exec(await client.info(section))?.[1])
}

async function busy(): Promise<number> {
  const user = await info('cpu', 'used_cpu_user_main_thread')
  return user + (await info('cpu', 'used_cpu_sys_main_thread'))
}

const before = await info('memory', 'used_memory')
const creator = async (_: unknown, from: number): Promise<void> => {
  for (let n = from; n < sessions; n += CALLERS) await backend.generate({ value })
}
await Promise.all(Array.from({ length: CALLERS }, creator))
const bytes = (await info('memory', 'used_memory')) - before
await client.sendCommand(['SAVE'])
const rates: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const [start, startMs] = [await busy(), performance.now()]
  await client.sendCommand(['DEBUG', 'RELOAD', 'NOSAVE'])
  const [cpu, ms] = [(await busy()) - start, performance.now() - startMs]
  rates.push(bytes / cpu)
  console.log(
    `${sessions} sessions, ${bytes} bytes: ${cpu.toFixed(2)} s of CPU, ${ms.toFixed(0)} ms`,
  )
}
if ((await client.dbSize()) < sessions) throw new Error('sessions are missing')
const median = rates.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!
console.log(`${(median / 1e6).toFixed(0)} MB in a second of CPU`)
client.destroy()
await server.stop()
