import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import { createMemoryBackend } from '../../src/backends/memory.ts'
import { backendContract, createTestClock } from '../../src/testing/index.ts'
import type { ContractCase } from '../../src/testing/index.ts'
import { casesOf } from '../../src/testing/contract-case.ts'

const create = () => createMemoryBackend({ sweepEveryMs: 0 })
const NAME = 'original 3: two generates make different keys'

function caseNamed(cases: readonly ContractCase[], name: string): ContractCase {
  const found = cases.find((each) => each.name === name)
  assert.ok(found)
  return found
}

describe('skip', () => {
  it('keeps the case in the list, with its reason', () => {
    const cases = backendContract({ create, skip: { [NAME]: 'keys come in pairs' } })
    expect(caseNamed(cases, NAME).skip).toBe('keys come in pairs')
    expect(cases.length).toBe(backendContract({ create }).length)
  })

  it('refuses a name that no case has', () => {
    const stale = { 'original 99': 'was removed' }
    expect(() => backendContract({ create, skip: stale })).toThrow(TypeError)
    expect(() => backendContract({ create, skip: { toString: 'inherited' } })).toThrow(TypeError)
  })

  it('refuses a skip without a reason', () => {
    expect(() => backendContract({ create, skip: { [NAME]: '' } })).toThrow(TypeError)
  })

  it('tells a runner whose context is a function, as Vitest’s is', async () => {
    const { run } = caseNamed(backendContract({ create, skip: { [NAME]: 'because' } }), NAME)
    const skip = vi.fn<(reason: string) => void>()
    await run(Object.assign(() => {}, { skip }))
    expect(skip.mock.calls).toEqual([['because']])
  })

  it('tells a runner whose context can skip', async () => {
    const skipped = caseNamed(backendContract({ create, skip: { [NAME]: 'because' } }), NAME)
    const skip = vi.fn<(reason: string) => void>()
    await skipped.run({ skip })
    expect(skip.mock.calls).toEqual([['because']])
  })

  it('prints the reason where the runner cannot be told', async () => {
    const skipped = caseNamed(backendContract({ create, skip: { [NAME]: 'because' } }), NAME)
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
    await skipped.run()
    expect(warned.mock.calls).toEqual([[`skipped: ${NAME}: because`]])
    warned.mockRestore()
  })

  it('skips the cases about exact moments when the clock cannot be moved', () => {
    const without = backendContract({ create }).filter(({ skip }) => skip !== undefined)
    expect(without.map(({ name }) => name)).toEqual([
      'the period counts down by the second',
      'a session is live until just before the end of its period',
    ])
    const { advance } = createTestClock()
    const withClock = backendContract({ create, advance })
    expect(withClock.every(({ skip }) => skip === undefined)).toBe(true)
  })
})

describe('run', () => {
  it('takes no declared parameter, so that no runner waits for a callback', () => {
    for (const { run } of backendContract({ create })) expect(run.length).toBe(0)
  })

  it('makes a subject for each run and destroys it, even when the case fails', async () => {
    const destroyed: number[] = []
    let made = 0
    const failing = async (): Promise<void> => assert.fail('on purpose')
    const [only] = casesOf(
      { failing },
      { create: () => ++made, destroy: (subject) => void destroyed.push(subject) },
    )
    await expect(only?.run()).rejects.toThrow('on purpose')
    await expect(only?.run()).rejects.toThrow('on purpose')
    expect(destroyed).toEqual([1, 2])
  })

  it('waits for real where no clock is given', async () => {
    const cases = backendContract({ create })
    await caseNamed(cases, 'a session is gone when its period has passed').run()
  })
})

describe('names', () => {
  it('are unique', () => {
    const names = backendContract({ create }).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('under node:test', () => {
  it('runs and reports skips', () => {
    const script = `
      import { test } from 'node:test'
      import { createMemoryBackend } from './src/backends/memory.ts'
      import { backendContract, createTestClock } from './src/testing/index.ts'
      const clock = createTestClock()
      const create = () => createMemoryBackend({ now: clock.now, sweepEveryMs: 0 })
      const skip = { '${NAME}': 'because' }
      for (const { name, run } of backendContract({ create, advance: clock.advance, skip })) test(name, run)
    `
    const flags = ['--test-reporter=tap', '--input-type=module', '--eval', script]
    const { stdout, status } = spawnSync(process.execPath, flags, { encoding: 'utf8' })
    expect(stdout).toContain('# SKIP because')
    expect(stdout).toContain('# skipped 1\n')
    expect(stdout).toContain('# fail 0\n')
    expect(status).toBe(0)
  })
})
