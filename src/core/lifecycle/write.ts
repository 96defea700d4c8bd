import { whenDone } from '../awaitable.ts'
import type { Awaitable, SetResult } from '../backend.ts'
import { assertValue } from '../codec.ts'
import { publishCleared, publishConflict, publishTouched, publishWritten } from '../events.ts'
import { parseKey } from '../key.ts'
import type { Handle, Key } from '../key.ts'
import { assertExpiry, periodLeft } from '../period.ts'
import { ReadExtra } from '../read-extra.ts'
import type { ClearOptions, SessionSetOptions, TouchDue } from '../session-backend.ts'
import type { UpdateResult } from '../store.ts'
import { ask } from './engine.ts'
import type { Engine } from './engine.ts'
import { sealing } from './on-demand.ts'

/** `SessionBackend.set`. */
export function write(
  engine: Engine,
  key: string,
  value: string | undefined,
  options: SessionSetOptions,
): Awaitable<SetResult> {
  const { store, policy } = engine
  const { expiry, version, keepPeriod = false, extra } = options
  if (expiry !== undefined) assertExpiry('expiry', expiry)
  if (value !== undefined) assertValue(value)
  const parsed = ReadExtra.halvesOf(extra, key) ?? parseKey(key)
  if (parsed === undefined) return { ok: false, reason: 'not_found' }
  const period = expiry ?? (keepPeriod ? undefined : policy.defaultPeriod())
  const idleMs = period && period * 1000
  const { handle, secretHash } = parsed
  const tell = (done: UpdateResult): SetResult => told(handle, value !== undefined, done)
  if (value !== undefined && policy.sealed) {
    return whenDone(sealing(), ({ writeSealed }) =>
      writeSealed(engine, key as Key, parsed, { value, idleMs }, options, tell),
    )
  }
  const change = { value, idleMs }
  return whenDone(
    ask(engine, 'set', () => store.update(handle, secretHash, change, version)),
    tell,
  )
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
