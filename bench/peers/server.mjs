// One server of the benchmark, in a process of its own: `node server.mjs FRAMEWORK LIBRARY STORE`. Tells its parent the
// port, and, when asked, the CPU time that it has used.
import { expressServers } from './express.mjs'
import { fastify } from './fastify.mjs'
import { h3, hono, remix } from './fetch.mjs'
import { koa } from './koa.mjs'
import { node } from './node.mjs'
import { openStore } from './stores.mjs'

const frameworks = { node, express: expressServers, fastify, koa, hono, h3, remix }

const [framework, library, storeName] = process.argv.slice(2)
const create = frameworks[framework]?.[library]
if (create === undefined) throw new Error(`there is no ${library} on ${framework}`)
const { BENCH_REDIS_URL: redisUrl, BENCH_POSTGRES_URL: postgresUrl } = process.env
const server = await create(await openStore(storeName, { redisUrl, postgresUrl }))
server.keepAliveTimeout = 0

process.on('message', (message) => {
  if (message !== 'usage') return
  const { user, system } = process.cpuUsage()
  process.send({ cpuUs: user + system, wallMs: performance.now() })
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
