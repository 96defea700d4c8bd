// That `list` and `clearSubject` take as long as the subject has sessions, and not as the store has: a subject with
// 10,000 sessions among 100,000 of all, and then among 1,000,000. `npm run proof:subjects`, or
// `npm run proof:subjects -- postgres 100000` for one engine and another number.
import type { SessionBackend } from '../../src/index.ts'
import { engines } from './subjects/engines.ts'
import type { Opened } from './subjects/engines.ts'

const [only, count = '1000000'] = process.argv.slice(2)
const MANY = Number(count)
const FEW = MANY / 10
const OWN = [100, 1000, 10_000]
const ROUNDS = 5
const CALLERS = 64
// Ten times as many sessions of all. What grew with them would take ten times as long.
const MOST_GROWTH = 3
// Less than this is the machine's noise, whatever the ratio.
const NOISE_MS = 5

/** Milliseconds, the least of some rounds: whatever else the machine does only adds to it. */
interface Times {
  readonly list: number
  readonly clear: number
}

async function create(backend: SessionBackend, how: number, subjectOf: (n: number) => string) {
  let next = 0
  const creator = async (): Promise<void> => {
    for (let n = next++; n < how; n = next++) {
      await backend.generate({ value: '{"cart":[1,2,3]}', subject: subjectOf(n) })
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, creator))
}

async function timeOf(
  { clock }: Opened,
  expected: number,
  run: () => Promise<number>,
): Promise<number> {
  const start = clock()
  const done = await run()
  const ms = clock() - start
  if (done !== expected) throw new Error(`${done} sessions instead of ${expected}`)
  return ms
}

/** Lists and ends `own` sessions of a subject among those that are there, some times over. */
async function measure(engine: Opened, own: number): Promise<Times> {
  const { backend, settle } = engine
  const lists: number[] = []
  const clears: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await create(backend, own, () => 'ann')
    await settle()
    lists.push(await timeOf(engine, own, async () => (await backend.list('ann')).length))
    clears.push(await timeOf(engine, own, () => backend.clearSubject('ann')))
    await timeOf(engine, 0, async () => (await backend.list('ann')).length)
  }
  return { list: Math.min(...lists), clear: Math.min(...clears) }
}

async function measureAll(engine: Opened): Promise<Times[]> {
  const all: Times[] = []
  for (const own of OWN) all.push(await measure(engine, own))
  return all
}

function grows(few: number, many: number): boolean {
  return many > few * MOST_GROWTH && many - few > NOISE_MS
}

function row(name: string, own: number, few: Times, many: Times): string {
  const cells = (['list', 'clear'] as const).map((what) => {
    const ratio = (many[what] / few[what]).toFixed(2)
    return `${few[what].toFixed(1)} | ${many[what].toFixed(1)} | ${ratio}`
  })
  return `| ${name} | ${own} | ${cells.join(' | ')} |`
}

if (only !== undefined && engines[only] === undefined) throw new Error(`no engine "${only}"`)
console.log(
  `| engine | own | list ms among ${FEW} | among ${MANY} | ratio | clearSubject ms | | ratio |`,
)
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
let failed = false
for (const [name, open] of Object.entries(engines)) {
  if (only === undefined ? name === 'planted' : name !== only) continue
  const engine = await open()
  // A crowd of others, three sessions each.
  await create(engine.backend, FEW, (n) => `user-${Math.floor(n / 3)}`)
  const few = await measureAll(engine)
  await create(engine.backend, MANY - FEW, (n) => `other-${Math.floor(n / 3)}`)
  const many = await measureAll(engine)
  OWN.forEach((own, at) => {
    console.log(row(name, own, few[at]!, many[at]!))
    failed ||= grows(few[at]!.list, many[at]!.list) || grows(few[at]!.clear, many[at]!.clear)
  })
  await engine.close()
}
if (failed) console.log('The time grows with the sessions of others.')
process.exitCode = failed ? 1 : 0
