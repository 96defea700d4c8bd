// What a million sessions of 100 bytes cost in the memory of one process, beside what others take: bytes, collections,
// pauses, sweeping, an hour of churn. `npm run proof:memory`, or `npm run proof:memory -- 100000` for another number.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Churned } from './memory/churn.ts'
import type { Filled, Steps } from './memory/fill.ts'

const [count = '1000000', planted = ''] = process.argv.slice(2)
const BYTES_GOAL = 240
const COLLECTION_GOAL_MS = 130
const SLICE_GOAL_MS = 5
const GROWTH_GOAL = 1.05

/** Each in a process of its own: what one has left behind is not another's. */
function runAlone(script: string, ...args: string[]): unknown {
  const path = fileURLToPath(new URL(`memory/${script}.ts`, import.meta.url))
  const options = ['--expose-gc', '--max-old-space-size=4096', path, ...args]
  return JSON.parse(execFileSync(process.execPath, options, { encoding: 'utf8' }))
}

function shown({ mean, high }: Steps): string {
  return `${mean} (${high})`
}

console.log(
  '| %s sessions | bytes each | of that, heap | full collection, ms of processor time (shortest) | a creation, ms of processor time (99.99 % are shorter) | removal of 1,000, likewise | list of one subject, ms |',
  count,
)
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
const failures: string[] = []
for (const variant of [
  'sojourn',
  'sojourn, ten of each subject',
  'a Map of the values alone',
  'express-session',
]) {
  const filled = runAlone('fill', variant, count, planted) as Filled
  const { bytes, heap, collection, creation, sweep, list } = filled
  console.log(
    `| ${variant} | ${bytes} | ${heap} | ${collection.busy} (${collection.least}) | ${shown(creation)} | ${sweep === undefined ? '–' : shown(sweep)} | ${list ?? '–'} |`,
  )
  if (variant !== 'sojourn') continue
  if (bytes > BYTES_GOAL) failures.push(`${bytes} bytes each are more than ${BYTES_GOAL}`)
  // Processor time: what else the machine does would only add to the other.
  if (collection.busy > COLLECTION_GOAL_MS)
    failures.push(`a collection takes ${collection.busy} ms`)
  if ((sweep?.mean ?? Infinity) > SLICE_GOAL_MS) failures.push(`a removal takes ${sweep?.mean} ms`)
}

const { created, megabytes, held } = runAlone('churn', planted) as Churned
console.log(
  `\nAn hour of churn, ${created} sessions created; megabytes after each ten minutes: ${megabytes.join(', ')}`,
)
console.log(`Records held at the end, for each live one: ${held}`)
const [, settled = 0, ...later] = megabytes
if (Math.max(...later) > settled * GROWTH_GOAL) failures.push('memory grows under churn')

for (const failure of failures) console.error(`FAILED: ${failure}`)
process.exitCode = failures.length === 0 ? 0 : 1
