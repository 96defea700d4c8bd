import type { Backend, Found, Key } from '../../src/index.ts'

/** Options of `createPlainBackend`. */
export interface PlainOptions {
  /** Whether `get` and `set` report versions. */
  readonly versions?: boolean
  /** Answers with promises. */
  readonly later?: boolean
}

/** A hand-written backend that notes its calls. */
export interface PlainBackend extends Backend {
  readonly calls: (readonly unknown[])[]
}

/** Makes a backend with the five operations and no more, with keys of its own form, and without a clock. */
export function createPlainBackend({
  versions = false,
  later = false,
}: PlainOptions = {}): PlainBackend {
  const records = new Map<string, { value: string | undefined; period: number; version: number }>()
  const calls: (readonly unknown[])[] = []
  let made = 0
  const reply = <T>(result: T): T | Promise<T> => (later ? Promise.resolve(result) : result)
  return {
    calls,
    defaultPeriod: 60,
    generate(options = {}) {
      calls.push(['generate', options])
      const key = `session-${++made}`
      records.set(key, { value: options.value, period: options.expiry ?? 60, version: 1 })
      return reply(key as Key)
    },
    get(key) {
      calls.push(['get', key])
      const record = records.get(key)
      if (record === undefined) return reply({ ok: false, reason: 'not_found' } as const)
      const { value, period, version } = record
      if (value === undefined) return reply({ ok: false, reason: 'not_set' } as const)
      const found: Found = versions
        ? { ok: true, value, period, version }
        : { ok: true, value, period }
      return reply(found)
    },
    set(key, value, options = {}) {
      calls.push(['set', key, value, options])
      const record = records.get(key)
      if (record === undefined) return reply({ ok: false, reason: 'not_found' } as const)
      if (versions && options.version !== undefined && options.version !== record.version) {
        return reply({ ok: false, reason: 'conflict' } as const)
      }
      if (value !== undefined) Object.assign(record, { value, version: record.version + 1 })
      record.period = options.expiry ?? 60
      return reply(
        versions ? ({ ok: true, version: record.version } as const) : ({ ok: true } as const),
      )
    },
    clear(key) {
      calls.push(['clear', key])
      records.delete(key)
      return reply(undefined)
    },
  }
}
