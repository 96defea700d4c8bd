import type { SetResult } from '../backend.ts'
import { assertValue } from '../codec.ts'
import { publishCleared, publishConflict, publishTouched, publishWritten } from '../events.ts'
import { parseKey } from '../key.ts'
import { assertExpiry, periodLeft } from '../period.ts'
import type { ClearOptions, SessionSetOptions, TouchDue } from '../session-backend.ts'
import { ask } from './engine.ts'
import type { Engine } from './engine.ts'

/** `SessionBackend.set`. */
export async function write(
  engine: Engine,
  key: string,
  value: string | undefined,
  { expiry, version, keepPeriod = false }: SessionSetOptions,
): Promise<SetResult> {
  const { store, policy } = engine
  if (expiry !== undefined) assertExpiry('expiry', expiry)
  if (value !== undefined) assertValue(value)
  const parsed = parseKey(key)
  if (parsed === undefined) return { ok: false, reason: 'not_found' }
  const period = expiry ?? (keepPeriod ? undefined : policy.defaultPeriod())
  const idleMs = period === undefined ? undefined : period * 1000
  const { handle, secretHash } = parsed
  const done = await ask(engine, 'set', () =>
    store.update(handle, secretHash, { value, idleMs }, version),
  )
  if (done.ok) {
    publishWritten(handle, undefined, value !== undefined, done.version)
    return { ok: true, version: done.version, period: periodLeft(done.expiresAtMs, done.nowMs) }
  }
  if (done.reason === 'gone') return { ok: false, reason: 'not_found' }
  publishConflict(handle, undefined, 'set')
  return { ok: false, reason: 'conflict' }
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
