import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SCRIPT = fileURLToPath(new URL('heap.ts', import.meta.url))

function keysInHeap(...args: string[]): number {
  const command = ['--expose-gc', SCRIPT, ...args]
  return Number(execFileSync(process.execPath, command, { encoding: 'utf8' }))
}

describe('createMemoryBackend', () => {
  it('keeps no key in memory', () => {
    // The last one may still lie in a frame of the runtime's.
    expect(keysInHeap()).toBeLessThanOrEqual(2)
    expect(keysInHeap('cells')).toBeLessThanOrEqual(2)
  })

  it('keeps none in a near cache', () => {
    expect(keysInHeap('near-cache')).toBeLessThanOrEqual(2)
  })

  it('would be found out if it kept a slice of each', () => {
    expect(keysInHeap('planted')).toBeGreaterThan(90)
  })
})
