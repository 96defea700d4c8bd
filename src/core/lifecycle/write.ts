import type { SetResult } from '../backend.ts'
import { assertValue } from '../codec.ts'
import { publishCleared, publishConflict, publishTouched, publishWritten } from '../events.ts'
import { decodeExtra } from '../extra.ts'
import { parseKey } from '../key.ts'
import type { Handle, Key, ParsedKey } from '../key.ts'
import { assertExpiry, periodLeft } from '../period.ts'
import { dataKeyOf, sealValue } from '../sealing.ts'
import type { DataKey } from '../sealing.ts'
import type { ClearOptions, SessionSetOptions, TouchDue } from '../session-backend.ts'
import type { UpdateResult } from '../store.ts'
import { ask } from './engine.ts'
import type { Engine } from './engine.ts'
import { readGood } from './read.ts'

// Each attempt that fails is a write of somebody else's that has succeeded.
const PATIENCE = 256

/** `SessionBackend.set`. */
export async function write(
  engine: Engine,
  key: string,
  value: string | undefined,
  options: SessionSetOptions,
): Promise<SetResult> {
  const { store, policy } = engine
  const { expiry, version, keepPeriod = false } = options
  if (expiry !== undefined) assertExpiry('expiry', expiry)
  if (value !== undefined) assertValue(value)
  const parsed = parseKey(key)
  if (parsed === undefined) return { ok: false, reason: 'not_found' }
  const period = expiry ?? (keepPeriod ? undefined : policy.defaultPeriod())
  const idleMs = period === undefined ? undefined : period * 1000
  const { handle, secretHash } = parsed
  if (value !== undefined && policy.sealed) {
    return writeSealed(engine, key as Key, parsed, { value, idleMs }, options)
  }
  const change = { value, idleMs }
  const done = await ask(engine, 'set', () => store.update(handle, secretHash, change, version))
  return told(handle, value !== undefined, done)
}

/** Tells of what the store has done, and gives it as the answer. */
function told(handle: Handle, value: boolean, done: UpdateResult): SetResult {
  if (done.ok) {
    publishWritten(handle, undefined, value, done.version)
    return { ok: true, version: done.version, period: periodLeft(done.expiresAtMs, done.nowMs) }
  }
  if (done.reason === 'gone') return { ok: false, reason: 'not_found' }
  publishConflict(handle, undefined, 'set')
  return { ok: false, reason: 'conflict' }
}

/** Writes a value that is sealed for the version it becomes: without a `version`, for the one after the latest. */
async function writeSealed(
  engine: Engine,
  key: Key,
  parsed: ParsedKey,
  { value, idleMs }: { readonly value: string; readonly idleMs: number | undefined },
  options: SessionSetOptions,
): Promise<SetResult> {
  const { handle, secretHash } = parsed
  for (let attempt = 0; attempt < PATIENCE; attempt++) {
    const basis = await basisOf(engine, key, parsed, options)
    if (basis === undefined) return { ok: false, reason: 'not_found' }
    const { dataKey, version } = basis
    const change = { value: sealValue(dataKey, handle, version + 1, value), idleMs }
    const done = await ask(engine, 'set', () =>
      engine.store.update(handle, secretHash, change, version),
    )
    const answer = told(handle, true, done)
    if (done.ok || done.reason === 'gone' || options.version !== undefined) return answer
  }
  return { ok: false, reason: 'conflict' }
}

/** What a sealed value is to be written on. */
interface Basis {
  readonly dataKey: DataKey
  readonly version: number
}

/** The version and the data key now; `undefined` when the key is no longer good. */
async function basisOf(
  engine: Engine,
  key: Key,
  parsed: ParsedKey,
  { version, extra }: SessionSetOptions,
): Promise<Basis | undefined> {
  if (version !== undefined && extra?.dataKeys !== undefined) {
    return { dataKey: dataKeyOf(key, extra), version }
  }
  const good = await readGood(engine, parsed)
  if (good === undefined) return undefined
  const { record } = good
  const dataKey = dataKeyOf(key, decodeExtra(record.security.extra))
  return { dataKey, version: version === undefined ? record.version : version }
}

/** `SessionBackend.touch`. */
export async function touch(engine: Engine, key: string, due: TouchDue): Promise<boolean> {
  const parsed = parseKey(key)
  if (parsed === undefined) return false
  const { handle, secretHash } = parsed
  const touched = await ask(engine, 'touch', () =>
    engine.store.touch(handle, secretHash, due.fromMs, due.toMs),
  )
  if (touched) publishTouched(handle, undefined, due.period)
  return touched
}

/** `SessionBackend.clear`. */
export async function clear(
  engine: Engine,
  key: string,
  { verified = false }: ClearOptions,
): Promise<void> {
  const parsed = parseKey(key)
  if (parsed === undefined) return
  const { handle, secretHash } = parsed
  const live = await ask(engine, 'clear', () =>
    verified ? engine.store.delete(handle) : engine.store.delete(handle, secretHash),
  )
  publishCleared('key', Number(live), handle, undefined)
}
