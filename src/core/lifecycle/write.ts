import type { SetResult } from '../backend.ts'
import { assertWellFormed } from '../codec.ts'
import { InvalidValueError } from '../errors.ts'
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
  const done = await ask(engine, 'set a session', () =>
    store.update(parsed.handle, parsed.secretHash, { value, idleMs }, version),
  )
  if (done.ok) {
    return { ok: true, version: done.version, period: periodLeft(done.expiresAtMs, done.nowMs) }
  }
  return { ok: false, reason: done.reason === 'gone' ? 'not_found' : 'conflict' }
}

/** `SessionBackend.touch`. */
export async function touch(engine: Engine, key: string, due: TouchDue): Promise<boolean> {
  const parsed = parseKey(key)
  if (parsed === undefined) return false
  return ask(engine, 'touch a session', () =>
    engine.store.touch(parsed.handle, parsed.secretHash, due.fromMs, due.toMs),
  )
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
  await ask(engine, 'clear a session', () =>
    verified ? engine.store.delete(handle) : engine.store.delete(handle, secretHash),
  )
}

/**
 * Accepts a value to be stored.
 *
 * @throws InvalidValueError when it is no text, or has a lone surrogate.
 */
export function assertValue(value: unknown): void {
  if (typeof value !== 'string') throw new InvalidValueError('"value" must be a string')
  assertWellFormed(value)
}
