// The checker of the fault run (`test/faults`). It is here because it needs no server.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkHistory } from '../faults/linearizability.ts'
import type { Operation, Update } from '../faults/record-model.ts'
import { intents, runAtomically } from './atomic-run.ts'

const created: Operation = {
  kind: 'create',
  key: 'k1',
  value: 'a',
  outcome: 'ok',
  invokedAt: 0,
  returnedAt: 1,
}

function read(invokedAt: number, returnedAt: number, version: number, value: string): Operation {
  return { kind: 'read', key: 'k1', outcome: { version, value }, invokedAt, returnedAt }
}

function miss(invokedAt: number, returnedAt: number, key = 'k1'): Operation {
  return { kind: 'read', key, outcome: 'not_found', invokedAt, returnedAt }
}

function write(
  invokedAt: number,
  returnedAt: number,
  value: string,
  outcome: Update['outcome'] | number,
  expected: { readonly version?: number; readonly basis?: string; readonly key?: string } = {},
): Update {
  const answer = typeof outcome === 'number' ? { version: outcome } : outcome
  return {
    kind: 'update',
    key: 'k1',
    value,
    outcome: answer,
    invokedAt,
    returnedAt,
    ...expected,
  }
}

function clear(invokedAt: number, returnedAt: number, key?: string): Operation {
  const outcome = returnedAt === Infinity ? 'unknown' : 'ok'
  return { kind: 'clear', key, outcome, invokedAt, returnedAt }
}

function rotate(invokedAt: number, returnedAt: number, from: string, to?: string): Operation {
  const outcome = to === undefined ? 'unknown' : { key: to }
  return { kind: 'rotate', key: from, outcome, invokedAt, returnedAt }
}

const REJECTED = expect.objectContaining({ ok: false, reason: 'not_linearizable' })

describe('checkHistory', () => {
  it('accepts what happens one after the other', () => {
    const history = [
      created,
      read(2, 3, 1, 'a'),
      write(4, 5, 'b', 2, { version: 1, basis: 'a' }),
      write(6, 7, 'c', 'conflict', { version: 1 }),
      rotate(8, 9, 'k1', 'k2'),
      miss(10, 11),
      write(12, 13, 'd', 'gone', { version: 2 }),
      write(14, 15, 'd', 3, { key: 'k2' }),
      clear(16, 17),
      clear(18, 19),
      miss(20, 21, 'k2'),
    ]
    expect(checkHistory(history)).toEqual({ ok: true, lost: 0 })
  })

  it('accepts overlapping operations in any order that explains them', () => {
    const history = [
      created,
      write(2, 20, 'b', 3),
      write(3, 19, 'c', 2),
      read(4, 18, 2, 'c'),
      read(5, 17, 1, 'a'),
      clear(6, 21),
      miss(7, 16),
    ]
    expect(checkHistory(history.filter(({ kind }) => kind !== 'clear')).ok).toBe(false)
    expect(checkHistory(history.slice(0, 6)).ok).toBe(true)
    expect(checkHistory([...history.slice(0, 5), clear(6, 21), miss(20, 22)]).ok).toBe(true)
  })

  it('lets an operation of unknown outcome take effect late, or never', () => {
    const unknown = write(2, Infinity, 'b', 'unknown', { version: 1 })
    expect(checkHistory([created, unknown, read(3, 4, 1, 'a')]).ok).toBe(true)
    expect(checkHistory([created, unknown, read(3, 4, 1, 'a'), read(5, 6, 2, 'b')]).ok).toBe(true)
    expect(checkHistory([created, clear(2, Infinity), read(3, 4, 1, 'a'), miss(5, 6)]).ok).toBe(
      true,
    )
  })

  it('rejects an operation of unknown outcome that takes effect and is undone', () => {
    const unknown = write(2, Infinity, 'b', 'unknown', { version: 1 })
    expect(checkHistory([created, unknown, read(3, 4, 2, 'b'), read(5, 6, 1, 'a')])).toEqual(
      REJECTED,
    )
  })

  it('lets the key of a rotation of unknown outcome die, and rejects its coming back', () => {
    const history = [created, rotate(2, Infinity, 'k1'), read(3, 4, 1, 'a'), miss(5, 6)]
    expect(checkHistory(history).ok).toBe(true)
    expect(checkHistory([...history, read(7, 8, 1, 'a')])).toEqual(REJECTED)
  })

  it.each<[string, readonly Operation[]]>([
    [
      'a lost update: two writes on one version',
      [created, write(2, 5, 'b', 2, { version: 1 }), write(3, 6, 'c', 2, { version: 1 })],
    ],
    [
      'a lost update: acknowledged, then not there',
      [created, write(2, 3, 'b', 2), read(4, 5, 1, 'a')],
    ],
    ['a lost creation', [created, miss(2, 3)]],
    ['a revived session', [created, clear(2, 3), read(4, 5, 1, 'a')]],
    ['a write to a cleared session', [created, clear(2, 3), write(4, 5, 'b', 2)]],
    ['a lost logout', [created, clear(2, 3), miss(4, 5), read(6, 7, 1, 'a')]],
    [
      'a stale read',
      [created, write(2, 3, 'b', 2), write(4, 5, 'c', 3), read(6, 7, 2, 'b'), read(8, 9, 3, 'c')],
    ],
    [
      'reads that go back while a write is under way',
      [created, write(2, 9, 'b', 2), read(3, 4, 2, 'b'), read(5, 6, 1, 'a')],
    ],
    [
      'a write applied twice',
      [created, write(2, 3, 'b', 2, { basis: 'a' }), read(4, 5, 3, 'b'), read(6, 7, 3, 'b')],
    ],
    [
      'a write of unknown outcome applied twice',
      [created, write(2, Infinity, 'b', 'unknown'), read(3, 4, 3, 'b')],
    ],
    [
      'a write made twice, the second time on itself',
      [created, write(2, 3, 'b2', 3, { basis: 'b1' }), read(4, 5, 3, 'b2')],
    ],
    ['a torn value', [created, write(2, 3, 'bbbb', 2), read(4, 5, 2, 'bb')]],
    ['a value that nobody wrote', [created, read(2, 3, 1, 'z')]],
    ['an old key that is still good', [created, rotate(2, 3, 'k1', 'k2'), read(4, 5, 1, 'a')]],
    [
      'a conflict where nothing has changed',
      [created, write(2, 3, 'b', 'conflict', { version: 1 }), read(4, 5, 1, 'a')],
    ],
    ['a write that is gone on a live record', [created, write(2, 3, 'b', 'gone')]],
    ['two rotations of one key', [created, rotate(2, 5, 'k1', 'k2'), rotate(3, 6, 'k1', 'k3')]],
  ])('rejects %s', (_name, history) => {
    expect(checkHistory(history)).toEqual(REJECTED)
  })

  it('lets a logout with the previous key end the session, and not with an older one', () => {
    const rotated = [created, rotate(2, 3, 'k1', 'k2')]
    expect(checkHistory([...rotated, clear(4, 5, 'k1'), miss(6, 7, 'k2')]).ok).toBe(true)
    const twice = [...rotated, rotate(4, 5, 'k2', 'k3'), clear(6, 7, 'k1')]
    expect(checkHistory([...twice, miss(8, 9, 'k3')])).toEqual(REJECTED)
    expect(checkHistory([...twice, miss(8, 9, 'k2')]).ok).toBe(true)
  })

  it('says that it gave up when the search takes too long', () => {
    const writes = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => write(n + 1, Infinity, `${n}`, 'unknown'))
    const history = [created, ...writes, read(90, 91, 1, 'z')]
    expect(checkHistory(history, 100)).toMatchObject({ ok: false, reason: 'undecided' })
  })
})

describe('checkHistory with a failover', () => {
  const failover: Operation = { kind: 'failover', invokedAt: 8, returnedAt: 20 }
  const writes = [write(2, 3, 'b', 2), write(4, 5, 'c', 3), write(6, 7, 'd', 4)]

  it('counts the fewest acknowledged changes that must have been undone', () => {
    const history = [created, ...writes, failover]
    expect(checkHistory([...history, read(21, 22, 4, 'd')])).toEqual({ ok: true, lost: 0 })
    expect(checkHistory([...history, read(21, 22, 2, 'b')])).toEqual({ ok: true, lost: 2 })
    expect(checkHistory([...history, miss(21, 22)])).toEqual({ ok: true, lost: 4 })
  })

  it('counts no change that was never acknowledged', () => {
    const unknown = write(6, Infinity, 'e', 'unknown', { version: 3 })
    const history = [created, writes[0], writes[1], unknown, read(7, 7.5, 4, 'e'), failover]
    const whole = [...history, read(21, 22, 3, 'c')].filter((operation) => operation !== undefined)
    expect(checkHistory(whole)).toEqual({ ok: true, lost: 0 })
  })

  it('rejects the loss of a durable change', () => {
    const durable = { ...write(4, 5, 'c', 3), durable: true }
    const history = [created, write(2, 3, 'b', 2), durable, write(6, 7, 'd', 4), failover]
    expect(checkHistory([...history, read(21, 22, 3, 'c')])).toEqual({ ok: true, lost: 1 })
    expect(checkHistory([...history, read(21, 22, 2, 'b')])).toEqual(REJECTED)
  })

  it('rejects a loss before the failover, after it, or twice', () => {
    const history = [created, ...writes]
    expect(checkHistory([...history, read(7.1, 7.2, 2, 'b'), failover])).toEqual(REJECTED)
    const after = [...history, failover, read(21, 22, 4, 'd'), read(23, 24, 3, 'c')]
    expect(checkHistory(after)).toEqual(REJECTED)
    const twice = [...history, failover, read(9, 10, 3, 'c'), read(21, 22, 2, 'b')]
    expect(checkHistory(twice)).toEqual(REJECTED)
  })
})

describe('histories of an atomic run', () => {
  it('are always accepted', async () => {
    await fc.assert(
      fc.asyncProperty(intents, async (drawn) => {
        expect(checkHistory(await runAtomically(drawn))).toEqual({ ok: true, lost: 0 })
      }),
      { numRuns: 1000 },
    )
  })

  it.each<[string, (operation: Operation) => Operation | undefined]>([
    [
      'an acknowledged version is one too high',
      (operation) =>
        operation.kind === 'update' && typeof operation.outcome === 'object'
          ? { ...operation, outcome: { version: operation.outcome.version + 1 } }
          : undefined,
    ],
    [
      'a value read is torn',
      (operation) =>
        operation.kind === 'read' && typeof operation.outcome === 'object'
          ? {
              ...operation,
              outcome: { ...operation.outcome, value: `${operation.outcome.value.slice(0, 1)}?` },
            }
          : undefined,
    ],
    [
      'an acknowledged creation never was',
      (operation) =>
        operation.kind === 'create'
          ? { kind: 'read', key: operation.key, outcome: 'not_found', invokedAt: 0, returnedAt: 1 }
          : undefined,
    ],
  ])('are rejected when %s', async (_name, mutate) => {
    let mutated = 0
    await fc.assert(
      fc.asyncProperty(intents, fc.nat(), async (drawn, pick) => {
        const history = await runAtomically(drawn)
        // An update nobody knows of could make the version right again.
        if (history.some(({ returnedAt }) => returnedAt === Infinity)) return
        const places = history.flatMap((operation, at) => (mutate(operation) ? [at] : []))
        const at = places[pick % places.length]
        if (at === undefined) return
        const changed = history.map((operation, i) =>
          i === at ? (mutate(operation) ?? operation) : operation,
        )
        // A history of misses alone needs no creation.
        if (!changed.some(({ kind }) => kind === 'update' || kind === 'rotate')) return
        if (!changed.some((o) => o.kind !== 'create' && typeof Object(o).outcome === 'object')) {
          return
        }
        mutated++
        expect(checkHistory(changed)).toEqual(REJECTED)
      }),
      { numRuns: 1000 },
    )
    expect(mutated).toBeGreaterThan(50)
  })
})
