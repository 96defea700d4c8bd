import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { Backend, Codec, SessionManagerOptions } from '../../src/index.ts'
import { createBackend, createSessionManager, jsonCodec } from '../../src/index.ts'

const backend = createBackend(createMemoryStore())
const create = (options: unknown) => () =>
  createSessionManager(options as SessionManagerOptions<unknown>)

const SCHEMA = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: 1 }) } }

describe('createSessionManager', () => {
  it.each([undefined, null, 5, 'backend'])('refuses %s in place of options', (options) => {
    expect(create(options)).toThrow(TypeError)
    expect(create(options)).toThrow('createSessionManager needs an options object')
  })

  it('needs a backend', () => {
    expect(create({})).toThrow(TypeError)
    expect(create({})).toThrow('"backend" must have the operations generate, get, set, clear')
  })

  it.each(['generate', 'get', 'set', 'clear'])('refuses a backend without %s', (missing) => {
    const kept = Object.entries(backend).filter(([name]) => name !== missing)
    expect(create({ backend: Object.fromEntries(kept) })).toThrow(TypeError)
    expect(create({ backend: { ...backend, [missing]: 5 } })).toThrow(TypeError)
  })

  it.each([null, 5, 'memory', () => {}])('refuses %s as backend', (given) => {
    expect(create({ backend: given })).toThrow(TypeError)
    expect(create({ backend: given })).toThrow('"backend" must have the operations')
  })

  it('accepts a backend with the five operations on a prototype', () => {
    expect(create({ backend: Object.create(backend) as Backend })).not.toThrow()
  })

  it.each(['secret', 'store', 'Cookie', 'schemas'])('refuses the unknown option %s', (option) => {
    expect(create({ backend, [option]: undefined })).toThrow(TypeError)
    expect(create({ backend, [option]: 1 })).toThrow(
      `createSessionManager has no option "${option}"`,
    )
  })

  it('takes an option that is undefined as left out', () => {
    const options: SessionManagerOptions<unknown> = {
      backend,
      cookie: undefined,
      codec: undefined,
      schema: undefined,
      migrate: undefined,
      freeze: undefined,
      updateTimeoutMs: undefined,
      clock: undefined,
    }
    expect(create(options)).not.toThrow()
  })

  it.each([null, 5, {}, { encode: jsonCodec.encode }, { decode: jsonCodec.decode }])(
    'refuses a codec that is %o',
    (codec) => {
      expect(create({ backend, codec: codec as Codec<unknown> })).toThrow(TypeError)
      expect(create({ backend, codec })).toThrow(
        '"codec" must have the functions encode and decode',
      )
    },
  )

  it.each([
    null,
    5,
    {},
    () => {},
    { '~standard': { version: 1 } },
    { '~standard': { version: 2, validate: () => ({ value: 1 }) } },
  ])('refuses a schema that is %o', (schema) => {
    expect(create({ backend, schema })).toThrow(TypeError)
    expect(create({ backend, schema })).toThrow('"schema" must be a Standard Schema of version 1')
  })

  it('refuses a migrate that is no function, or has no schema to migrate to', () => {
    expect(create({ backend, schema: SCHEMA, migrate: 5 })).toThrow('"migrate" must be a function')
    expect(create({ backend, migrate: () => 1 })).toThrow('"migrate" needs a "schema"')
    expect(create({ backend, schema: SCHEMA, migrate: () => 1 })).not.toThrow()
  })

  it.each([null, 1, 'true'])('refuses a freeze of %s', (freeze) => {
    expect(create({ backend, freeze })).toThrow('"freeze" must be true or false')
  })

  it.each([-1, NaN, Infinity, '10', null])(
    'refuses an updateTimeoutMs of %s',
    (updateTimeoutMs) => {
      expect(create({ backend, updateTimeoutMs })).toThrow(RangeError)
      expect(create({ backend, updateTimeoutMs })).toThrow('"updateTimeoutMs" must be a number')
    },
  )

  it.each([0, 0.5, 1e9])('accepts an updateTimeoutMs of %d', (updateTimeoutMs) => {
    expect(create({ backend, updateTimeoutMs })).not.toThrow()
  })

  it.each([
    [{ name: 'two words' }, '"name"'],
    [{ nme: 'sid' }, 'unknown option'],
    [{ name: 'sid', path: 'relative' }, '"path"'],
    [{ domain: 'example.com' }, '__Host-'],
    [{ name: '__Secure-sid', secure: false }, '"secure"'],
    [{ name: 'sid', sameSite: 'None', secure: false }, '"sameSite"'],
    [null, '"cookie"'],
  ])('refuses the cookie %o at once', (cookie, named) => {
    const code = 'ERR_SESSION_INVALID_COOKIE'
    const message = expect.stringContaining(named) as string
    expect(create({ backend, cookie })).toThrow(expect.objectContaining({ code, message }))
  })

  it('is not changed by later changes of its options', async () => {
    const cookie = { name: 'sid' }
    const options = { backend, cookie }
    const sessions = createSessionManager(options)
    cookie.name = 'other'
    options.backend = createBackend(createMemoryStore())
    const session = await sessions.generate(1)
    expect(await backend.get(session.key)).toMatchObject({ ok: true })
    expect(sessions.toCookieHeaders(session)[0]?.[1]).toMatch(/^sid=/)
  })
})
