// The whole manager must do what a model of it does, on every engine, alone and with several commands at once. This
// draws commands until there are as many as asked for, a quarter on each engine, and stops at the first that the model
// does not explain. `npm run proof:model -- 20000 7` makes 20,000 from the seed 7; a third argument names a fault of
// `test/model/planted.ts`, which is planted under all engines and must be found.
import { check, defaultReportMessage } from 'fast-check'
import { memoryEngine, sqliteEngine } from '../model/engines.ts'
import type { Engine } from '../model/engines.ts'
import { planted } from '../model/planted.ts'
import { behavesAsModelled } from '../model/run.ts'
import { openPostgresEngine, openRedisEngine } from '../model/server-engines.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'

const RUNS_A_ROUND = 50
const [wanted = '100000', seed = `${Date.now() % 2 ** 31}`, fault] = process.argv.slice(2)
if (fault !== undefined && planted[fault] === undefined) throw new RangeError('no such fault')
console.log(`seed ${seed}`)

const servers = [await startPostgres(), await startRedis()] as const
const onServers = [await openPostgresEngine(servers[0].url), openRedisEngine(servers[1].url)]
try {
  const engines = [memoryEngine, sqliteEngine, ...onServers]
  let total = 0
  for (const engine of engines) total += await prove(engine, Number(wanted) / engines.length)
  console.log(`${total} commands`)
  if (!(total >= Number(wanted) && total > 0)) process.exitCode = 1
} finally {
  for (const engine of onServers) await engine.end()
  for (const server of servers) await server.stop()
}

async function prove(engine: Engine, share: number): Promise<number> {
  const tally = { commands: 0, atOnce: 0 }
  const started = performance.now()
  for (let round = 0; tally.commands < share; round++) {
    const property = behavesAsModelled(engine, tally, fault === undefined ? {} : planted[fault])
    const result = await check(property, { numRuns: RUNS_A_ROUND, seed: Number(seed) + round })
    if (!result.failed) continue
    console.log(`${engine.name}: ${defaultReportMessage(result)}`)
    console.log(result.errorInstance)
    process.exitCode = 1
    break
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `${engine.name}: ${tally.commands} commands, ${tally.atOnce} of them at once with others, ${seconds} s`,
  )
  return tally.commands
}
