import type { Key } from '../../../src/core/key.ts'
import { NOT_FOUND } from './plain-backend.ts'
import type { BackendChange } from './plain-backend.ts'

const HOUR = 3600

async function pause(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

/** Faulty backends by name, each with the one case that must fail. */
export const backendFaults: Readonly<
  Record<string, { readonly fails: string; readonly change: BackendChange }>
> = {
  'expired and unset is not_set': {
    fails: 'original 11: get of an expired session without a value is not_found',
    change: (right, entries, now) => ({
      get: (key) => {
        const entry = entries.get(key)
        const longAgo = entry?.value === undefined && (entry?.expiresAtMs ?? now()) < now() - 5000
        return longAgo ? { ok: false, reason: 'not_set' } : right.get(key)
      },
    }),
  },
  'refuses an expiry of 0': {
    fails: 'original 2: generate with an expiry of 0 makes a key',
    change: (right) => ({
      generate: (options) => {
        if (options?.expiry === 0) throw new RangeError('0')
        return right.generate(options)
      },
    }),
  },
  'clear throws on what is not there': {
    fails: 'original 6: clear of a cleared session is fine',
    change: (right, entries) => {
      const cleared = new Set<string>()
      return {
        clear: (key) => {
          if (cleared.has(key)) throw new Error('gone')
          if (entries.delete(key)) cleared.add(key)
        },
      }
    },
  },
  'keys repeat': {
    fails: 'generate makes a thousand different keys that a cookie can carry',
    change: (right) => {
      let count = 0
      let last: Key | undefined
      return {
        generate: async (options) => {
          if (++count < 900 || last === undefined) last = await right.generate(options)
          return last
        },
      }
    },
  },
  'keys are a counter': {
    fails: 'keys vary at random in 112 bits at the least',
    change: (right, entries) => {
      let count = 0
      return {
        generate: async (options) => {
          const drawn = await right.generate(options)
          const key = `session-${String(++count).padStart(35, '0')}` as Key
          const entry = entries.get(drawn)
          if (entry) entries.set(key, entry)
          entries.delete(drawn)
          return key
        },
      }
    },
  },
  'keys are the time and a little chance': {
    fails: 'keys vary at random in 112 bits at the least',
    change: (right, entries) => ({
      generate: async (options) => {
        const drawn = await right.generate(options)
        const time = BigInt(Date.now()) * 1_000_000n + process.hrtime.bigint()
        const key = `${time.toString(36).padStart(16, '0')}-${drawn.slice(0, 12)}` as Key
        const entry = entries.get(drawn)
        if (entry) entries.set(key, entry)
        entries.delete(drawn)
        return key
      },
    }),
  },
  'trailing blanks do not count': {
    fails: 'get of strings that are no keys is not_found',
    change: (right) => ({ get: (key) => right.get(key.trimEnd()) }),
  },
  'values lose U+0000': {
    fails: 'values of any characters come back the same',
    change: (right) => ({
      set: (key, value, options) => right.set(key, value?.replaceAll('\0', ''), options),
    }),
  },
  'values are cut to 64 KiB': {
    fails: 'a value of one mebibyte comes back the same',
    change: (right) => ({
      generate: (options = {}) =>
        right.generate({ ...options, value: options.value?.slice(0, 65_536) }),
    }),
  },
  'lone surrogates are replaced': {
    fails: 'a lone surrogate is refused, or comes back the same',
    change: (right) => ({
      generate: (options = {}) =>
        right.generate({ ...options, value: options.value?.toWellFormed() }),
    }),
  },
  'set plants unknown keys': {
    fails: 'set of a key that was never generated is not_found and creates nothing',
    change: (right, entries, now) => ({
      set: (key, value, options) => {
        if (value === 'planted') entries.set(key, { value, version: 1, expiresAtMs: now() + 1000 })
        return right.set(key, value, options)
      },
    }),
  },
  'set recreates what was cleared': {
    fails: 'set after clear is not_found and brings nothing back',
    change: (right, entries, now) => {
      const cleared = new Set<string>()
      return {
        clear: (key) => {
          cleared.add(key)
          return right.clear(key)
        },
        set: (key, value, options = {}) => {
          const back = cleared.has(key) && options.version === undefined
          if (back) entries.set(key, { value, version: 1, expiresAtMs: now() + 1000 })
          return right.set(key, value, options)
        },
      }
    },
  },
  'clear goes by the first half of the key': {
    fails: 'clear of a key that was never generated leaves all others alone',
    change: (_right, entries) => ({
      clear: (key) => {
        const half = key.slice(0, 22)
        for (const each of entries.keys())
          if (half !== '' && each.startsWith(half)) entries.delete(each)
      },
    }),
  },
  'set writes to every session': {
    fails: 'set leaves the neighbours alone',
    change: (right, entries) => ({
      set: (key, value, options) => {
        if (value === 'changed') for (const entry of entries.values()) entry.value = value
        return right.set(key, value, options)
      },
    }),
  },
  'moving the expiry empties the value': {
    fails: 'set without a value keeps the value',
    change: (right, entries) => ({
      set: (key, value, options) => {
        const entry = entries.get(key)
        if (entry?.value === 'value' && value === undefined) entry.value = ''
        return right.set(key, value, options)
      },
    }),
  },
  'set reports a version too few': {
    fails: 'set without a value keeps the version, and with one changes it',
    change: (right) => ({
      set: async (key, value, options) => {
        const done = await right.set(key, value, options)
        return done.ok ? { ...done, version: 1 } : done
      },
    }),
  },
  'set forgets the version': {
    fails: 'set at another version is a conflict and changes nothing',
    change: (right) => ({
      set: (key, value, options) =>
        right.set(key, value, value === 'third' ? { expiry: options?.expiry } : options),
    }),
  },
  'set looks, waits, writes': {
    fails: 'parallel increments lose nothing',
    change: (right) => ({
      set: async (key, value, options = {}) => {
        const found = await right.get(key)
        if (options.version === undefined || !found.ok) return right.set(key, value, options)
        if (found.version !== options.version) return { ok: false, reason: 'conflict' }
        await pause()
        return right.set(key, value, { expiry: options.expiry })
      },
    }),
  },
  'sets at once are mixed': {
    fails: 'of two sets at once one value remains whole',
    change: (right, entries) => ({
      set: async (key, value, options) => {
        const done = await right.set(key, value?.slice(0, 2048), options)
        await pause()
        const entry = entries.get(key)
        if (entry?.value !== undefined && value !== undefined) entry.value += value.slice(2048)
        return done
      },
    }),
  },
  'a save under way brings a logged-out session back': {
    fails: 'a logout beats a save that has loaded the session',
    change: (right, entries) => ({
      set: async (key, value, options) => {
        const entry = entries.get(key)
        await pause()
        if (entry !== undefined && value === 'late') entries.set(key, entry)
        return right.set(key, value, options)
      },
    }),
  },
  'the default period is not whole': {
    fails: 'the default period is whole seconds, and generate uses it',
    change: () => ({ defaultPeriod: HOUR + 0.5 }),
  },
  'generate ignores the expiry': {
    fails: 'generate uses the expiry it is given',
    change: (right) => ({
      generate: (options = {}) =>
        right.generate(options.expiry === 30 ? { ...options, expiry: HOUR } : options),
    }),
  },
  'set keeps the period': {
    fails: 'set without an expiry goes back to the default period',
    change: (right) => ({
      set: async (key, value, options = {}) => {
        const found = await right.get(key)
        const expiry = options.expiry ?? (found.ok ? found.period : undefined)
        return right.set(key, value, { ...options, expiry })
      },
    }),
  },
  'set without a value leaves the expiry': {
    fails: 'set uses the expiry it is given, with a value and without',
    change: (right) => ({
      set: async (key, value, options = {}) => {
        const found = await right.get(key)
        const expiry =
          value === undefined && found.ok && options.expiry === 20 ? found.period : options.expiry
        return right.set(key, value, { ...options, expiry })
      },
    }),
  },
  'set with a negative expiry does nothing': {
    fails: 'set with an expiry of 0 or less ends the session',
    change: (right) => ({
      set: (key, value, options = {}) =>
        (options.expiry ?? 1) < 0 ? { ok: true, version: 1 } : right.set(key, value, options),
    }),
  },
  'the period stands still': {
    fails: 'the period counts down by the second',
    change: (right) => ({
      get: async (key) => {
        const found = await right.get(key)
        return found.ok && found.period < 10 ? { ...found, period: 10 } : found
      },
    }),
  },
  'the end is inclusive': {
    fails: 'a session is gone when its period has passed',
    change: (right, entries, now) => ({
      get: (key) => {
        const entry = entries.get(key)
        if (entry?.value === 'value' && entry.expiresAtMs === now() && entry.version === 1) {
          return { ok: true, value: entry.value, period: 0, version: 1 }
        }
        return right.get(key)
      },
    }),
  },
  'the end comes early': {
    fails: 'a session is live until just before the end of its period',
    change: (right, entries, now) => ({
      get: (key) =>
        (entries.get(key)?.expiresAtMs ?? 0) - now() < 100 ? NOT_FOUND : right.get(key),
    }),
  },
  'set revives the expired': {
    fails: 'set on an expired session is not_found and does not revive it',
    change: (right, entries, now) => ({
      set: (key, value, options) => {
        const entry = entries.get(key)
        const lately = entry !== undefined && entry.expiresAtMs === now() && entry.version === 1
        if (lately) entry.expiresAtMs = now() + 1
        return right.set(key, value, options)
      },
    }),
  },
  'all sessions share one period': {
    fails: 'each session has a period of its own',
    change: (right, entries) => ({
      generate: async (options = {}) => {
        const key = await right.generate(options)
        const first = [...entries.values()][0]
        const entry = entries.get(key)
        if (options.value === 'long' && first && entry) entry.expiresAtMs = first.expiresAtMs
        return key
      },
    }),
  },
}
