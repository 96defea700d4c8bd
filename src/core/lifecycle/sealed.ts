import type { SetResult } from '../backend.ts'
import type { UpdateResult } from '../store.ts'
import { decodeExtra } from '../extra.ts'
import type { Extra } from '../extra.ts'
import { handleOf } from '../key.ts'
import type { Key, ParsedKey } from '../key.ts'
import { dataKeyOf, generateDataKey, openValue, sealValue, wrapDataKey } from '../sealing.ts'
import type { DataKey } from '../sealing.ts'
import type { SessionFound, SessionSetOptions } from '../session-backend.ts'
import { ask } from './engine.ts'
import type { Engine } from './engine.ts'
import type { First } from './plain.ts'
import { readGood } from './read.ts'

// Loaded by the first session that is sealed: `on-demand.ts`.

// Each attempt that fails is a write of somebody else's that has succeeded.
const PATIENCE = 256

/** What a new sealed session under `key` begins with. */
export function firstSealed(key: Key, value: string | undefined, extra: Extra): First {
  const dataKey = generateDataKey()
  return {
    value: value === undefined ? null : sealValue(dataKey, handleOf(key), 1, value),
    extra: { ...extra, dataKeys: [wrapDataKey(key, dataKey)] },
  }
}

/**
 * What was found under `key`, with its value in clear.
 *
 * @throws BackendError when it is not sealed or does not open.
 */
export function opened(key: Key, extra: Extra, found: SessionFound): SessionFound {
  const value = openValue(dataKeyOf(key, extra), handleOf(key), found.version, found.value)
  return { ...found, value }
}

/**
 * The parts of a session of which `keys` are good from now on, the current one first. The value stays as it is.
 *
 * @throws BackendError as `opened` does.
 */
export function rewrapped(key: Key, keys: readonly Key[], extra: Extra): Extra {
  const dataKey = dataKeyOf(key, extra)
  return { ...extra, dataKeys: keys.map((next) => wrapDataKey(next, dataKey)) }
}

/** Writes a value that is sealed for the version it becomes: without a `version`, for the one after the latest. */
export async function writeSealed(
  engine: Engine,
  key: Key,
  parsed: ParsedKey,
  { value, idleMs }: { readonly value: string; readonly idleMs: number | undefined },
  options: SessionSetOptions,
  told: (done: UpdateResult) => SetResult,
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
    const answer = told(done)
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
