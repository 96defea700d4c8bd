// A logout must win every race: this runs it against parallel writes of the same session in every order it can
// draw, and then makes parallel increments, none of which may be lost. `npm run proof:races -- 500 7` makes
// 500 trials on each engine from the seed 7; `npm run proof:races -- 500 7 reviving` runs them on a
// store that brings sessions back, and must fail.
import { raceIncrements } from './races/increments.ts'
import { raceLogouts } from './races/logout.ts'
import { createReviving, STORES } from './races/stores.ts'

const PARALLEL = 64
const [trials = '10000', seed = `${Date.now() % 2 ** 31}`, mode = ''] = process.argv.slice(2)
const rounds = Math.ceil(Number(trials) / 100)
const engines = mode === 'reviving' ? ([['reviving memory', createReviving]] as const) : STORES
console.log(`seed ${seed}`)
let failed = !(Number(trials) > 0)

for (const [name, create] of engines) {
  const started = performance.now()
  const figures = await raceLogouts(create, Number(trials), Number(seed))
  if (figures.alive + figures.strange > 0 || !(figures.written > 0 && figures.refused > 0))
    failed = true
  console.log(
    `${name}: ${figures.trials} logouts against ${figures.written + figures.refused} writes ` +
      `(${figures.written} made, ${figures.refused} refused): ${figures.alive} sessions alive after a logout, ` +
      `${figures.strange} unexpected errors, ${secondsSince(started)} s`,
  )
}

for (const [name, create] of engines) {
  const started = performance.now()
  const totals = await raceIncrements(create, PARALLEL, rounds, Number(seed))
  const wrong = totals.filter((total) => total !== PARALLEL).length
  if (wrong > 0) failed = true
  console.log(
    `${name}: ${rounds} times ${PARALLEL} parallel increments: ${wrong} totals other than ${PARALLEL}, ` +
      `${secondsSince(started)} s`,
  )
}

if (failed) process.exitCode = 1

function secondsSince(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1)
}
