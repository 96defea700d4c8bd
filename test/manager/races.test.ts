import { describe, expect, it } from 'vitest'
import { raceIncrements } from '../proof/races/increments.ts'
import { raceLogouts } from '../proof/races/logout.ts'
import { createReviving, STORES } from '../proof/races/stores.ts'

// The short form of `npm run proof:races`. A fixed seed, so that a failure comes again.
const SEED = 20_260_101

describe.each(STORES)('on %s', (_, create) => {
  it('a logout wins every one of 1,000 races', async () => {
    const { written, refused, alive, strange } = await raceLogouts(create, 1000, SEED)
    expect({ alive, strange }).toEqual({ alive: 0, strange: 0 })
    expect(written).toBeGreaterThan(500)
    expect(refused).toBeGreaterThan(500)
  })

  it('64 parallel increments give 64, five times over', async () => {
    expect(await raceIncrements(create, 64, 5, SEED)).toEqual([64, 64, 64, 64, 64])
  })
})

describe('the races', () => {
  it('find out a store that brings sessions back', async () => {
    const { alive } = await raceLogouts(createReviving, 50, SEED)
    expect(alive).toBeGreaterThan(10)
  })
})
