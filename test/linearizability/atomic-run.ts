import * as fc from 'fast-check'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import type { Operation } from '../faults/record-model.ts'

/** What one caller does next, and how long each half of it takes. */
export interface Intent {
  readonly caller: number
  readonly kind: 'read' | 'update' | 'blind' | 'stale' | 'rotate' | 'clear'
  readonly pause: number
  readonly before: number
  readonly after: number
  /** The answer is lost, and the operation takes effect or not. */
  readonly lost: boolean
  readonly effective: boolean
  readonly oldKey: boolean
}

/** Draws what up to four callers do on one record. */
export const intents: fc.Arbitrary<readonly Intent[]> = fc.array(
  fc.record({
    caller: fc.integer({ min: 0, max: 3 }),
    kind: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('read', 'update', 'blind', 'stale') },
      { weight: 1, arbitrary: fc.constantFrom('rotate', 'clear') },
    ),
    pause: fc.integer({ min: 0, max: 20 }),
    before: fc.integer({ min: 0, max: 60 }),
    after: fc.integer({ min: 0, max: 60 }),
    lost: fc.nat(9).map((n) => n === 0),
    effective: fc.boolean(),
    oldKey: fc.nat(9).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 40 },
)

interface Call {
  readonly at: number
  readonly intent: Intent
  readonly invokedAt: number
  readonly returnedAt: number
  readonly effectAt: number
}

/**
 * Runs the intents on the memory backend, each operation as one atomic step at a moment drawn between its call and its
 * return, and returns the history. Its times are those drawn: no clock is asked.
 */
export async function runAtomically(drawn: readonly Intent[]): Promise<Operation[]> {
  const backend = createMemoryBackend({ sweepEveryMs: 0 })
  const first = await backend.generate({ value: 'v0' })
  const history: Operation[] = [
    { kind: 'create', key: first, value: 'v0', outcome: 'ok', invokedAt: 0, returnedAt: 1 },
  ]
  const keys = [first]
  for (const { at, intent, invokedAt, returnedAt } of schedule(drawn)) {
    const value = `v${at + 1}`
    const key = (intent.oldKey ? keys[0] : keys.at(-1)) ?? first
    const returned = intent.lost ? Infinity : returnedAt
    const times = { invokedAt, returnedAt: returned, key }
    if (intent.lost && !intent.effective) {
      if (intent.kind !== 'read') history.push(withoutEffect(intent.kind, value, times))
      continue
    }
    const operation = await perform(backend, intent, value, times)
    if (operation === undefined) continue
    if (operation.kind === 'rotate' && typeof operation.outcome === 'object') {
      keys.push(operation.outcome.key as typeof first)
    }
    const unknown = intent.lost ? ({ outcome: 'unknown' } as const) : {}
    if (operation.kind !== 'read' || !intent.lost) {
      history.push({ ...operation, ...unknown } as Operation)
    }
    if (intent.lost && operation.kind === 'rotate') break
  }
  backend.close()
  return history
}

function withoutEffect(
  kind: Exclude<Intent['kind'], 'read'>,
  value: string,
  times: { readonly key: string; readonly invokedAt: number; readonly returnedAt: number },
): Operation {
  if (kind === 'rotate' || kind === 'clear') return { kind, ...times, outcome: 'unknown' }
  return { kind: 'update', ...times, value, outcome: 'unknown' }
}

/** The calls in the order of their effects. */
function schedule(drawn: readonly Intent[]): Call[] {
  const free = [2, 2, 2, 2]
  const calls = drawn.map((intent, at) => {
    const { caller, pause, before, after } = intent
    // Fractions keep the ticks of different calls apart.
    const invokedAt = (free[caller] ?? 2) + pause + (at + 1) / 1000
    const effectAt = invokedAt + before
    const returnedAt = effectAt + after + 0.0001
    free[caller] = returnedAt
    return { at, intent, invokedAt, effectAt, returnedAt }
  })
  return calls.sort((a, b) => a.effectAt - b.effectAt)
}

async function perform(
  backend: ReturnType<typeof createMemoryBackend>,
  { kind }: Intent,
  value: string,
  times: { readonly key: string; readonly invokedAt: number; readonly returnedAt: number },
): Promise<Operation | undefined> {
  const { key } = times
  const found = await backend.get(key)
  if (kind === 'read') {
    if (!found.ok) return { kind, ...times, outcome: 'not_found' }
    return { kind, ...times, outcome: { version: found.version, value: found.value } }
  }
  if (kind === 'clear') {
    await backend.clear(key)
    return { kind, ...times, outcome: 'ok' }
  }
  if (kind === 'rotate') {
    const done = await backend.rotate(key, found.ok ? found.facts.securityVersion : 1)
    if (!done.ok) return { kind, ...times, outcome: 'gone' }
    return { kind, ...times, outcome: { key: done.key } }
  }
  const current = found.ok ? found.version : 1
  const version = { update: current, stale: Math.max(1, current - 1), blind: undefined }[kind]
  const done = await backend.set(key, value, { version })
  const update = { kind: 'update' as const, ...times, value, version }
  if (done.ok) return { ...update, outcome: { version: done.version ?? NaN } }
  return { ...update, outcome: done.reason === 'conflict' ? 'conflict' : 'gone' }
}
