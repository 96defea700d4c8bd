import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHistory } from './history.ts'
import type { Findings } from './history.ts'
import { parseJournal } from './journal.ts'
import type { Operation } from './journal.ts'

const WRITER = new URL('writer.ts', import.meta.url).pathname

/** Options of `runRounds`. */
export interface RoundsOptions {
  readonly rounds: number
  /** What the writer does, each as often as it is named. */
  readonly operations?: readonly Operation[] | undefined
  /** Acknowledges writes before they are made, which must be found out. */
  readonly early?: boolean | undefined
  readonly onRound?: ((round: number, findings: Findings & Figures) => void) | undefined
}

/** How much was written. */
export interface Figures {
  readonly acknowledged: number
}

const OPERATIONS: readonly Operation[] = [
  'create',
  'update',
  'update',
  'update',
  'rotate',
  'rotate',
  'clear',
]

/**
 * Kills a writer in the middle of its work, again and again on one file, and compares the file after
 * each kill with everything that was ever acknowledged.
 */
export async function runRounds(options: RoundsOptions): Promise<Findings & Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-kill-'))
  const path = join(folder, 'sessions.db')
  const history = createHistory()
  const total = { acknowledged: 0, checked: 0, lost: 0, revived: 0, torn: 0, unacknowledged: 0 }
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const journal = join(folder, `${round}.journal`)
      await killWriter(path, journal, options)
      const entries = parseJournal(readFileSync(journal, 'utf8'))
      history.add(entries)
      const acknowledged = entries.filter(({ step }) => step === 'ack').length
      const findings = await history.check(path)
      options.onRound?.(round, { acknowledged, ...findings })
      total.acknowledged += acknowledged
      total.checked = findings.checked
      total.lost += findings.lost
      total.revived += findings.revived
      total.torn += findings.torn
      total.unacknowledged += findings.unacknowledged
    }
    return total
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts a writer and kills it 50 to 350 ms after its first acknowledgement. */
async function killWriter(path: string, journal: string, options: RoundsOptions): Promise<void> {
  const { operations = OPERATIONS, early = false } = options
  const menu = operations.join(',')
  const child = spawn(process.execPath, [WRITER, path, journal, menu, early ? 'early' : 'late'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  while (child.exitCode === null && !hasText(journal)) await sleep(2)
  await sleep(50 + Math.random() * 300)
  child.kill('SIGKILL')
  const [, signal] = await ended
  if (signal !== 'SIGKILL') throw new Error('the writer ended before it was killed')
}

function hasText(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}
