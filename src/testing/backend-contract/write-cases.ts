import assert from 'node:assert/strict'
import type { Backend, Found } from '../../core/backend.ts'
import type { Key } from '../../core/key.ts'
import type { CaseTable } from '../contract-case.ts'

const NOT_FOUND = { ok: false, reason: 'not_found' }
const CONFLICT = { ok: false, reason: 'conflict' }
const AWKWARD = ['', ' ', '-', '+x', ' both ends ', 'a\nb', 'nul \0 inside', '😀 é ﷽', '"\'`\\%_']

async function found(backend: Backend, key: string): Promise<Found> {
  const answer = await backend.get(key)
  assert.ok(answer.ok, 'the session is there')
  return answer
}

async function versionOf(backend: Backend, key: string): Promise<number> {
  const { version } = await found(backend, key)
  assert.equal(typeof version, 'number', 'get reports a version')
  return version as number
}

/** Reads, waits for everybody else to have read, then writes; on a conflict starts over. */
async function increment(backend: Backend, key: Key, barrier: () => Promise<void>): Promise<void> {
  for (;;) {
    const { value, version } = await found(backend, key)
    await barrier()
    const result = await backend.set(key, `${Number(value) + 1}`, { version })
    if (result.ok) return
    assert.deepEqual(result, CONFLICT)
  }
}

/** A string like `key` in all but its last four characters. */
function altered(key: Key): string {
  const end = key.endsWith('AAAA') ? 'BBBB' : 'AAAA'
  return `${key.slice(0, -4)}${end}`
}

/** How many bits these vary in, by how often each occurs. */
function entropyOf(symbols: readonly (string | undefined)[]): number {
  const counts = new Map<string | undefined, number>()
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  const shares = [...counts.values()].map((count) => count / symbols.length)
  return shares.reduce((bits, share) => bits - share * Math.log2(share), 0)
}

/** A barrier that opens when `parties` have reached it, and stays open. */
function createBarrier(parties: number): () => Promise<void> {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  let waiting = 0
  return () => {
    if (++waiting === parties) open()
    return opened
  }
}

/** Generating, setting, clearing; alone and at once. */
export const writeCases: CaseTable<Backend> = {
  'generate makes a thousand different keys that a cookie can carry': async (backend) => {
    const keys = new Set<string>()
    for (let index = 0; index < 1000; index++) keys.add(await backend.generate())
    assert.equal(keys.size, 1000)
    for (const key of keys)
      assert.match(key, /^[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]{22,512}$/)
  },

  // What can be seen of it: a counter or a time in a key has little to vary.
  'keys vary at random in 112 bits at the least': async (backend) => {
    const keys: string[] = []
    for (let index = 0; index < 256; index++) keys.push(await backend.generate())
    const length = Math.min(...keys.map((key) => key.length))
    let bits = 0
    for (let place = 0; place < length; place++) bits += entropyOf(keys.map((key) => key[place]))
    assert.ok(bits >= 112, `only ${Math.floor(bits)} bits vary`)
  },

  'get of strings that are no keys is not_found': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    const strange = [
      '',
      ' ',
      '\0',
      'ключ',
      '__proto__',
      'constructor',
      'x'.repeat(4096),
      `${key} `,
      `${key}A`,
      altered(key),
    ]
    for (const text of strange) assert.deepEqual(await backend.get(text), NOT_FOUND)
  },

  'values of any characters come back the same': async (backend) => {
    for (const value of AWKWARD) {
      const key = await backend.generate({ value })
      assert.equal((await found(backend, key)).value, value)
      await backend.set(key, `${value}${value}`)
      assert.equal((await found(backend, key)).value, `${value}${value}`)
    }
  },

  'a value of one mebibyte comes back the same': async (backend) => {
    const value = 'x€'.repeat(262_144)
    const key = await backend.generate({ value })
    assert.ok((await found(backend, key)).value === value)
  },

  'a lone surrogate is refused, or comes back the same': async (backend) => {
    const value = 'a\uD800b'
    let key: Key
    try {
      key = await backend.generate({ value })
    } catch (error) {
      assert.ok(error instanceof Error)
      return
    }
    assert.equal((await found(backend, key)).value, value)
  },

  'set of a key that was never generated is not_found and creates nothing': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    const other = altered(key)
    assert.deepEqual(await backend.set(other, 'planted'), NOT_FOUND)
    assert.deepEqual(await backend.get(other), NOT_FOUND)
    assert.deepEqual(await backend.set('asdfjk', 'planted'), NOT_FOUND)
    assert.deepEqual(await backend.get('asdfjk'), NOT_FOUND)
  },

  'set after clear is not_found and brings nothing back': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    await backend.clear(key)
    assert.deepEqual(await backend.set(key, 'back'), NOT_FOUND)
    assert.deepEqual(await backend.set(key, undefined), NOT_FOUND)
    assert.deepEqual(await backend.get(key), NOT_FOUND)
  },

  'clear of a key that was never generated leaves all others alone': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    await backend.clear('asdfjk')
    await backend.clear('')
    await backend.clear(altered(key))
    await backend.clear(await backend.generate({ value: 'neighbour' }))
    assert.equal((await found(backend, key)).value, 'value')
  },

  'set leaves the neighbours alone': async (backend) => {
    const [one, two] = [
      await backend.generate({ value: '1' }),
      await backend.generate({ value: '2' }),
    ]
    await backend.set(one, 'changed')
    assert.equal((await found(backend, two)).value, '2')
  },

  'set without a value keeps the value': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    assert.equal((await backend.set(key, undefined, { expiry: 60 })).ok, true)
    assert.equal((await found(backend, key)).value, 'value')
  },

  'set without a value keeps the version, and with one changes it': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    const first = await versionOf(backend, key)
    await backend.set(key, undefined, { expiry: 60 })
    assert.equal(await versionOf(backend, key), first)
    const result = await backend.set(key, 'value')
    assert.ok(result.ok)
    const second = await versionOf(backend, key)
    assert.notEqual(second, first)
    assert.equal(result.version, second, 'set reports the version that get reports')
  },

  'set at another version is a conflict and changes nothing': async (backend) => {
    const key = await backend.generate({ value: 'first' })
    const version = await versionOf(backend, key)
    await backend.set(key, 'second', { version })
    assert.deepEqual(await backend.set(key, 'third', { version }), CONFLICT)
    assert.equal((await found(backend, key)).value, 'second')
  },

  'parallel increments lose nothing': async (backend) => {
    const key = await backend.generate({ value: '0' })
    const parties = 16
    const barrier = createBarrier(parties)
    await Promise.all(Array.from({ length: parties }, async () => increment(backend, key, barrier)))
    assert.equal((await found(backend, key)).value, `${parties}`)
  },

  'of two sets at once one value remains whole': async (backend) => {
    const key = await backend.generate({ value: 'value' })
    const [one, two] = ['1'.repeat(4096), '2'.repeat(4096)]
    await Promise.all([backend.set(key, one), backend.set(key, two)])
    assert.ok([one, two].includes((await found(backend, key)).value))
  },

  // The request that logs out and the one that saves have both loaded the session before either acts.
  'a logout beats a save that has loaded the session': async (backend) => {
    for (let round = 0; round < 8; round++) {
      const key = await backend.generate({ value: 'value' })
      const { version } = await found(backend, key)
      const save = async () => backend.set(key, 'late', { version })
      const logout = async () => backend.clear(key)
      await Promise.all(round % 2 === 0 ? [save(), logout()] : [logout(), save()])
      assert.deepEqual(await backend.get(key), NOT_FOUND)
      assert.deepEqual(await save(), NOT_FOUND)
      assert.deepEqual(await backend.get(key), NOT_FOUND)
    }
  },
}
