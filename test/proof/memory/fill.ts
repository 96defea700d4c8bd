// One variant, filled: prints a `Filled` as JSON.
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import session from 'express-session'
import { createMemoryStore } from '../../../src/backends/memory.ts'
import { draft } from '../../../src/testing/store-contract/draft.ts'
import { bytesInUse, busyMs, collections, rounded } from './measure.ts'

export interface Filled {
  readonly bytes: number
  readonly heap: number
  readonly collection: { readonly busy: number; readonly least: number }
  readonly creation: Steps
  readonly sweep?: Steps | undefined
  readonly list?: number | undefined
}

/** Milliseconds of steps: the mean of their processor time, and what 9,999 of 10,000 take at the most on the clock. */
export interface Steps {
  readonly mean: number
  readonly high: number
}

interface Variant {
  /** Adds a session, in one step. */
  readonly add: (index: number) => void
  /** The steps in which all are removed once they have expired. */
  readonly sweep?: () => Promise<Steps>
  readonly list?: () => number
}

const [name = '', count = '', planted = ''] = process.argv.slice(2)
const many = Number(count)

/** 100 bytes of JSON, made as a codec makes them. */
function valueOf(index: number): string {
  const id = String(index).padStart(7, '0')
  return JSON.stringify({ id, visits: 1, name: 'x'.repeat(63) })
}

/** A copy in one piece: strings that the runtime has made of parts take more. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** Takes steps until one says that it was the last. Other work of the process has its turn now and then. */
async function timed(step: (index: number) => boolean): Promise<Steps> {
  const taken: number[] = []
  let busy = 0
  for (let more = true; more;) {
    const startedMs = busyMs()
    const until = taken.length + 1000
    while (more && taken.length < until) {
      const beganMs = performance.now()
      more = step(taken.length)
      taken.push(performance.now() - beganMs)
    }
    busy += busyMs() - startedMs
    await setImmediate()
  }
  const mean = busy / taken.length
  taken.sort((a, b) => a - b)
  const high = taken[Math.ceil(0.9999 * taken.length) - 1]!
  return { mean: Math.round(mean * 10_000) / 10_000, high: rounded(high) }
}

function sojourn(subjectOf: (index: number) => string | null): Variant {
  let nowMs = 1_000_000_000_000
  const store = createMemoryStore(() => nowMs)
  const leaked: unknown[] = []
  return {
    add(index) {
      const subject = subjectOf(index)
      const record = draft({
        value: valueOf(index),
        subject,
        authenticated: subject !== null,
        idleMs: 604_800_000,
        absoluteMs: 2_592_000_000,
      })
      void store.create(record)
      if (planted === 'heap') leaked.push({ ...record })
    },

    sweep() {
      nowMs += 604_800_000
      let removed = 0
      return timed(() => {
        removed += store.sweep(planted === 'slice' ? many : 1000) as number
        return removed < many
      })
    },

    list() {
      const startedMs = performance.now()
      const found = store.list('user 0') as unknown[]
      if (found.length !== (subjectOf(0) === null ? 0 : 10))
        throw new Error('a list of another length')
      return rounded(performance.now() - startedMs)
    },
  }
}

function mapOfStrings(): Variant {
  const map = new Map<string, string>()
  return {
    add: (index) => map.set(randomBytes(16).toString('base64url'), flat(valueOf(index))),
  }
}

function expressSession(): Variant {
  const store = new session.MemoryStore()
  const cookie = new session.Cookie()
  cookie.maxAge = 604_800_000
  return {
    add(index) {
      const data = JSON.parse(valueOf(index)) as object
      store.set(randomBytes(24).toString('base64url'), { cookie, ...data })
    },
  }
}

const variants: Record<string, () => Variant> = {
  sojourn: () => sojourn(() => null),
  'sojourn, ten of each subject': () => sojourn((index) => `user ${index % (many / 10)}`),
  'a Map of the values alone': mapOfStrings,
  'express-session': expressSession,
}

const variant = variants[name]?.()
if (variant === undefined) throw new Error(`no such variant: ${name}`)
if (valueOf(7).length !== 100) throw new Error('the value is not of 100 bytes')
const before = bytesInUse()
const creation = await timed((index) => {
  variant.add(index)
  return index + 1 < many
})
const after = bytesInUse()
const filled: Filled = {
  bytes: Math.round((after.all - before.all) / many),
  heap: Math.round((after.heap - before.heap) / many),
  collection: collections(9),
  creation,
  list: variant.list?.(),
  sweep: await variant.sweep?.(),
}
console.log(JSON.stringify(filled))
