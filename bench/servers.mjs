// What a session costs on a server, as ratios of throughput to the bare client: `npm run bench:servers`, or
// `npm run bench:servers -- Redis` for the workloads whose names have that word. Starts its own servers.
import { cpus } from 'node:os'
import { pollBeforeHalt } from './halt-polling.mjs'
import { createEngines } from './servers/engines.mjs'
import { rateInTurns } from './servers/turns.mjs'

// In development values are frozen.
process.env.NODE_ENV = 'production'
const [only = ''] = process.argv.slice(2)
const CALLERS = 64
const polls = pollBeforeHalt()

const results = []
for (const { name, open } of createEngines()) {
  if (!name.includes(only)) continue
  const { workloads, version, close } = await open()
  for (const { name: operation, variants } of workloads) {
    const rates = await rateInTurns(variants, { callers: CALLERS, rounds: 11, batchMs: 300 })
    results.push({ name: `${name}, ${operation}`, version, variants: rates })
  }
  await close()
}

const [cpu] = cpus()
console.log(
  `${cpu?.model}, ${cpus().length} cores, Node ${process.version}, ${CALLERS} callers${polls ? ', idle cores poll before they halt' : ''}\n`,
)
console.log('| workload | variant | calls/s | of the bare client | middle 80 % |')
console.log('| --- | --- | ---: | ---: | --- |')
for (const { name, variants } of results) {
  for (const { name: variant, rate, ratio } of variants) {
    const spread = `${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}`
    console.log(
      `| ${name} | ${variant} | ${Math.round(rate.median)} | ${ratio.median.toFixed(2)} | ${spread} |`,
    )
  }
}
for (const text of new Set(results.map(({ version }) => version))) console.log(`\n${text}`)
