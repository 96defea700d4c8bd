import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { Backend } from '../../src/core/backend.ts'
import { createBackend } from '../../src/core/lifecycle.ts'
import { isSessionBackend } from '../../src/core/session-backend.ts'

const backend = createBackend(createMemoryStore())

describe('isSessionBackend', () => {
  it('is true of what createBackend makes', () => expect(isSessionBackend(backend)).toBe(true))

  it.each(['touch', 'rotate', 'clearHandle'])('is false of a backend without %s', (missing) => {
    const kept = Object.entries(backend).filter(([name]) => name !== missing)
    expect(isSessionBackend(Object.fromEntries(kept) as unknown as Backend)).toBe(false)
  })

  it('is true of one that has its methods from a prototype', () => {
    expect(isSessionBackend(Object.create(backend) as Backend)).toBe(true)
  })
})
