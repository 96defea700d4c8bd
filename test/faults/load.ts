import { setTimeout as sleep } from 'node:timers/promises'
import { createSessionManager, isSessionError } from '../../src/index.ts'
import type { Session, SessionBackend, SessionManager } from '../../src/index.ts'
import { createHistory, makeValue, tick, tokenOf } from './history.ts'
import type { History, Value } from './history.ts'
import type { Meter } from './meter.ts'

/** What the callers of a load share. */
export interface LoadContext {
  readonly backend: SessionBackend
  readonly manager: SessionManager<Value>
  readonly meter: Meter
  readonly histories: History[]
  /** The size that a value has at the most, in bytes. */
  readonly valueBytes: number
  /** Waits until what was written before is on a replica too; false when it cannot say so. */
  readonly confirm: (() => Promise<boolean>) | undefined
  stopping: boolean
}

/** Makes the context of a load on a backend. */
export function createLoadContext(
  backend: SessionBackend,
  meter: Meter,
  valueBytes: number = 256,
  confirm?: LoadContext['confirm'],
): LoadContext {
  const watched = meter.watch(backend)
  const manager = createSessionManager<Value>({ backend: watched })
  return {
    backend: watched,
    manager,
    meter,
    histories: [],
    valueBytes,
    confirm,
    stopping: false,
  }
}

/** How an operation ended that did not end in an error of the engine's. */
type Refusal = 'conflict' | 'gone' | 'unknown'

/**
 * Runs one operation and counts how it ended. An error that it may not end in counts as untyped, and its
 * outcome as unknown.
 */
export async function attempt<T>(
  { meter }: LoadContext,
  run: () => Promise<T>,
  mayTakeEffect = true,
): Promise<{ readonly value: T } | Refusal> {
  const invokedAtMs = performance.now()
  try {
    const value = await run()
    meter.succeeded()
    return { value }
  } catch (error) {
    if (isSessionError(error)) {
      if (error.code === 'ERR_SESSION_CONFLICT' || error.code === 'ERR_SESSION_GONE') {
        meter.succeeded()
        return error.code === 'ERR_SESSION_GONE' ? 'gone' : 'conflict'
      }
      if (error.code === 'ERR_SESSION_BACKEND') {
        meter.failed(invokedAtMs, mayTakeEffect)
        // Nobody should hammer an engine that is down, this load least of all.
        await sleep(20 + Math.random() * 80)
        return 'unknown'
      }
    }
    meter.untyped(error)
    return 'unknown'
  }
}

const CALLERS = 3
const OPERATIONS = 13
// So many misses in a row, and the caller takes the session for gone.
const MISSES = 4

/** A session that some callers share. */
interface Shared {
  readonly history: History
  readonly context: LoadContext
  key: string
  misses: number
}

/** Runs `groups` groups of callers, each on one session after the other, until the load stops. */
export async function runManagerLoad(context: LoadContext, groups: number): Promise<void> {
  await Promise.all(
    Array.from({ length: groups }, async () => {
      while (!context.stopping) await runSession(context)
    }),
  )
}

/** The life of one session: made, used by some callers at once, and often cleared. */
async function runSession(context: LoadContext): Promise<void> {
  const history = createHistory()
  const value = makeValue(context.valueBytes)
  const invokedAt = tick()
  const made = await attempt(context, () => context.manager.generate(value))
  if (typeof made === 'string') return
  const { key } = made.value
  await record(context, history, invokedAt, {
    kind: 'create',
    key: history.keyOf(key),
    value: value.by,
    outcome: 'ok',
  })
  context.histories.push(history)
  const shared: Shared = { history, context, key, misses: 0 }
  const held = await Promise.all(Array.from({ length: CALLERS }, () => runCaller(shared)))
  const last = held.find((session) => session !== undefined)
  if (last !== undefined && Math.random() < 0.6) await clear(shared, last)
  await read(shared, shared.key)
}

/** What one caller does with the session; returns it as the caller last saw it. */
async function runCaller(shared: Shared): Promise<Session<Value> | undefined> {
  let session: Session<Value> | undefined
  for (let i = 0; i < OPERATIONS && shared.misses < MISSES && !shared.context.stopping; i++) {
    await sleep(Math.random() * 8)
    const draw = Math.random()
    if (session === undefined || draw < 0.3) session = await read(shared, pickKey(shared), session)
    else if (draw < 0.4) await blindSet(shared, pickKey(shared))
    else if (draw < 0.55) await set(shared, session)
    else if (draw < 0.62) await rotate(shared, session)
    else if (draw < 0.63) await clear(shared, session)
    else await update(shared, session)
  }
  return session
}

/** Almost always the newest key that this process has learnt; now and then an old one. */
function pickKey({ history, key, misses }: Shared): string {
  if (misses === 0 && Math.random() < 0.9) return key
  const { keys } = history
  return keys[Math.floor(Math.random() * keys.length)] ?? key
}

/** Reads the session by a key; returns it, or what the caller holds when the read fails. */
async function read(
  shared: Shared,
  key: string,
  held?: Session<Value>,
): Promise<Session<Value> | undefined> {
  const { context, history } = shared
  const invokedAt = tick()
  const found = await attempt(context, () => context.manager.fromKey(key), false)
  if (typeof found === 'string') return held
  const { value } = found
  const common = { kind: 'read', key: history.keyOf(key), invokedAt, returnedAt: tick() } as const
  if (!value.ok) {
    const torn = { version: 0, value: 'torn' }
    history.add({ ...common, outcome: value.reason === 'not_found' ? 'not_found' : torn })
    if (key === shared.key) shared.misses++
    return undefined
  }
  const { version = 0, value: stored } = value.session
  history.add({ ...common, outcome: { version, value: tokenOf(stored) } })
  shared.misses = 0
  return value.session
}

async function update({ context, history }: Shared, session: Session<Value>): Promise<void> {
  const invokedAt = tick()
  const key = history.keyOf(session.key)
  let basis = ''
  let value = makeValue(context.valueBytes)
  const done = await attempt(context, () =>
    context.manager.update(session, (stored) => {
      basis = tokenOf(stored)
      return (value = makeValue(context.valueBytes))
    }),
  )
  // A read that fails after a conflict comes before the function is called again: nothing was written then, and
  // what is noted is the write that conflicted, which can no longer take effect.
  const outcome = typeof done === 'string' ? done : { version: session.version ?? 0 }
  await record(context, history, invokedAt, {
    kind: 'update',
    key,
    value: value.by,
    basis,
    outcome,
  })
}

async function set({ context, history }: Shared, session: Session<Value>): Promise<void> {
  const invokedAt = tick()
  const { version } = session
  const key = history.keyOf(session.key)
  const value = makeValue(context.valueBytes)
  const done = await attempt(context, () => context.manager.set(session, { value }))
  const outcome = typeof done === 'string' ? done : { version: session.version ?? 0 }
  const common = { kind: 'update', key, value: value.by, version } as const
  await record(context, history, invokedAt, { ...common, outcome })
}

/** A write on whatever is there, past the manager, which makes none. */
async function blindSet({ context, history }: Shared, key: string): Promise<void> {
  const invokedAt = tick()
  const value = makeValue(context.valueBytes)
  const done = await attempt(context, () => context.backend.set(key, JSON.stringify(value)))
  const outcome =
    typeof done === 'string'
      ? done
      : done.value.ok
        ? { version: done.value.version ?? 0 }
        : ({ conflict: 'conflict', not_found: 'gone' } as const)[done.value.reason]
  const common = { kind: 'update', key: history.keyOf(key), value: value.by } as const
  await record(context, history, invokedAt, { ...common, outcome })
}

async function rotate(shared: Shared, session: Session<Value>): Promise<void> {
  const { context, history } = shared
  const invokedAt = tick()
  const key = history.keyOf(session.key)
  const login = Math.random() < 0.3
  const done = await attempt(context, () =>
    login ? context.manager.bind(session, `user ${key}`) : context.manager.rotate(session),
  )
  if (done === 'conflict') return context.meter.untyped(new Error('endless rotations'))
  if (typeof done === 'object') shared.key = session.key
  const outcome = typeof done === 'string' ? done : { key: history.keyOf(session.key) }
  await record(context, history, invokedAt, { kind: 'rotate', key, outcome })
}

async function clear({ context, history }: Shared, session: Session<Value>): Promise<void> {
  const invokedAt = tick()
  const done = await attempt(context, () => context.manager.clear(session))
  const outcome = typeof done === 'string' ? 'unknown' : 'ok'
  await record(context, history, invokedAt, { kind: 'clear', outcome })
}

type Recorded = Parameters<History['add']>[0]
type Unfinished<T> = T extends Recorded ? Omit<T, 'invokedAt' | 'returnedAt'> : never
/** A write and what it answered. */
export type Write = Unfinished<Extract<Recorded, { durable?: boolean | undefined }>>

/** Notes a write, once a replica has confirmed it where that is asked for. */
export async function record(
  { confirm }: LoadContext,
  history: History,
  invokedAt: number,
  write: Write,
): Promise<void> {
  if (write.outcome === 'unknown') {
    history.add({ ...write, invokedAt, returnedAt: Infinity })
    return
  }
  // It has happened by now, and stays noted so if the confirmation takes until the end of the load.
  const operation = { ...write, invokedAt, returnedAt: tick(), durable: false }
  history.add(operation)
  if (confirm !== undefined) operation.durable = await confirm()
}

/** Reads every session once more by every key that it ever had, when all is well again. */
export async function readAll(context: LoadContext): Promise<void> {
  const open = context.histories.values()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (const history of open) {
        const shared: Shared = { history, context, key: '', misses: 0 }
        for (const key of history.keys) await read(shared, key)
      }
    }),
  )
}
