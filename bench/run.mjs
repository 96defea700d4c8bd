// What the manager costs over the bare engine, as ratios: a figure in microseconds says more about the machine.
// `npm run bench`, or `npm run bench -- SQLite` for the workloads whose names have that word.
import { cpus } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { interleave } from './interleave.mjs'
import { createSqliteWorkloads } from './sqlite.mjs'
import { createWorkloads } from './workloads.mjs'

// In development values are frozen.
process.env.NODE_ENV = 'production'
const [only = ''] = process.argv.slice(2)
// A million rows take minutes to make and two gigabytes to keep: they are measured where they are asked for by name.
const rows = only.includes('1,000,000 rows') ? 1_000_000 : 100_000
const results = []
const engines = [
  ...(only.includes('rows') ? [] : [createWorkloads]),
  () => createSqliteWorkloads(rows),
]
for (const create of engines) {
  const { workloads, close } = await create()
  for (const { name, variants, ...plan } of workloads) {
    if (!name.includes(only)) continue
    const options = { rounds: 25, batchMs: 30, ...plan }
    results.push({ name, variants: await interleave(variants, options) })
  }
  close()
}

const [cpu] = cpus()
const [sqlite] = Object.values(
  new DatabaseSync(':memory:').prepare('SELECT sqlite_version()').get(),
)
const machine = { cpu: cpu?.model, cores: cpus().length, node: process.version, sqlite }

console.log(
  `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, SQLite ${String(machine.sqlite)}\n`,
)
console.log('| workload | variant | µs | ratio | middle 80 % of the ratio | µs of CPU | ratio |')
console.log('| --- | --- | ---: | ---: | --- | ---: | ---: |')
for (const { name, variants } of results) {
  for (const { name: variant, nanoseconds, ratio, cpuNanoseconds, cpuRatio } of variants) {
    const [time, cpuTime] = [nanoseconds, cpuNanoseconds].map(({ median }) =>
      (median / 1000).toFixed(2),
    )
    const spread = `${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)}`
    const cpu = `${cpuTime} | ${cpuRatio.median.toFixed(2)}`
    console.log(
      `| ${name} | ${variant} | ${time} | ${ratio.median.toFixed(2)} | ${spread} | ${cpu} |`,
    )
  }
}
console.log(`\n${JSON.stringify({ machine, results })}`)
