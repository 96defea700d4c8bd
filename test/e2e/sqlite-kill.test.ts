import { describe, expect, it } from 'vitest'
import { runRounds } from '../proof/kill/rounds.ts'

// The short form of `npm run proof:kill`.
describe('createSqliteBackend killed under write load', () => {
  it('loses no acknowledged write and brings no cleared session back, in three kills', async () => {
    const found = await runRounds({ rounds: 3 })
    expect(found.acknowledged).toBeGreaterThan(100)
    expect(found).toMatchObject({ lost: 0, revived: 0, torn: 0 })
  })

  it('would be found out if it acknowledged updates before it makes them', async () => {
    const { lost } = await runRounds({ rounds: 3, operations: ['update'], early: true })
    expect(lost).toBeGreaterThan(0)
  })

  it('would be found out if it acknowledged logouts before it makes them', async () => {
    const operations = ['create', 'clear', 'clear'] as const
    const { revived } = await runRounds({ rounds: 3, operations, early: true })
    expect(revived).toBeGreaterThan(0)
  })
})
