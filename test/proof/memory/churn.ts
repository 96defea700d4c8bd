// An hour of sessions that come, change and go, by a clock of its own: prints a `Churned` as JSON.
import { setImmediate } from 'node:timers/promises'
import { createMemoryStore } from '../../../src/backends/memory.ts'
import type { NewRecord } from '../../../src/core/store.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'
import { bytesInUse, rounded } from './measure.ts'

export interface Churned {
  readonly created: number
  readonly megabytes: readonly number[]
  readonly held: number
}

const [planted = ''] = process.argv.slice(2)
const SECONDS = 3600
const CREATED_PER_SECOND = 200
const IDLE_MS = 300_000
let nowMs = 1_000_000_000_000
let seed = 1

/** The same numbers in each run (Park and Miller). */
function draw(below: number): number {
  seed = (seed * 48_271) % 2_147_483_647
  return seed % below
}

const store = createMemoryStore(() => nowMs)
const recent: NewRecord[] = []
const leaked = new Map<string, NewRecord>()
const megabytes: number[] = []
const before = bytesInUse().all
let created = 0
for (let second = 1; second <= SECONDS; second++) {
  for (let index = 0; index < CREATED_PER_SECOND; index++) {
    const subject = draw(2) === 0 ? `user ${draw(1000)}` : null
    const record = draft({ value: 'v'.repeat(50 + draw(300)), subject, idleMs: IDLE_MS })
    await store.create(record)
    created++
    recent[draw(5000)] = record
    if (planted === 'leak') leaked.set(record.recordId, record)
    const other = recent[draw(5000)]
    if (other === undefined) continue
    const { recordId, secretHash } = other
    const step = draw(10)
    if (step < 5) await store.update(recordId, secretHash, { value: 'w'.repeat(draw(400)) })
    else if (step < 7) await store.delete(recordId)
    else if (step < 8) await store.updateSecurity(recordId, { subject: `user ${draw(1000)}` }, 1)
  }
  nowMs += 1000
  // Other work of the process has its turn.
  await setImmediate()
  // As the backend's timer does.
  await store.sweep(1000)
  if (second % 600 === 0) megabytes.push(rounded((bytesInUse().all - before) / 1e6))
}
let expired = 0
for (let step = 0; step < 1000; step++) expired += await store.sweep(1000)
const live = await store.deleteAll()
const churned: Churned = { created, megabytes, held: rounded((live + expired) / live) }
console.log(JSON.stringify(churned))
