// What a million sessions cost in each engine: bytes, reads, and sweeping a tenth of them beside reads.
// `npm run proof:million`, or `npm run proof:million -- redis 100000` for one engine and another number.
import { engines } from './million/engines.ts'
import { readLatencies, sweptWhileReading } from './million/latency.ts'

const [only = '', count = '1000000'] = process.argv.slice(2)
const many = Number(count)
const few = Math.min(10_000, many)

console.log(
  '| engine | sessions | bytes each | read p50 / p99 ms at %d | at %d | ratio of p99 | p99 beside a sweep of %d | ratio | swept |',
  few,
  many,
  many / 10,
)
console.log('| --- | ---: | ---: | --- | --- | ---: | --- | ---: | --- |')
for (const { name, open } of engines) {
  if (!name.toLowerCase().includes(only.toLowerCase())) continue
  const engine = await open()
  const small = await engine.fill('few', few)
  const big = await engine.fill('many', many)
  const [few_, many_] = await readLatencies([small, big])
  const sweep = await sweptWhileReading(big, () => big.expire(many / 10))
  console.log(
    `| ${name} | ${many} | ${Math.round(big.bytes)} | ${few_!.p50} / ${few_!.p99} | ${many_!.p50} / ${many_!.p99} | ` +
      `${many_!.ratio} | ${sweep.quiet} -> ${sweep.beside} | ${sweep.ratio} | ${sweep.done} |`,
  )
  await engine.close()
}
