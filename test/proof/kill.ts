// An acknowledged write must survive `kill -9`, and a logout too. This kills a writer under load, round after
// round on one file, and counts what is missing or back. `npm run proof:kill -- 5` makes five rounds;
// `npm run proof:kill -- 5 early` acknowledges too early, and must fail.
import { runRounds } from './kill/rounds.ts'

const [rounds = '20', mode = ''] = process.argv.slice(2)
const started = performance.now()
const total = await runRounds({
  rounds: Number(rounds),
  early: mode === 'early',
  onRound: (round, found) =>
    console.log(
      `round ${round}: ${found.acknowledged} acknowledged, ${found.checked} sessions checked, ` +
        `${found.lost} lost, ${found.revived} revived, ${found.torn} torn, ` +
        `${found.unacknowledged} done but unacknowledged`,
    ),
})
const seconds = ((performance.now() - started) / 1000).toFixed(1)
console.log(`${rounds} kills in ${seconds} s:`, total)
if (!(total.acknowledged > 0) || total.lost + total.revived + total.torn > 0) process.exitCode = 1
