import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, inject } from 'vitest'
import type { DriverName } from './open.ts'

/** A process that does a task on a table. */
export interface Worker {
  /** The next line that it prints; rejects when it has ended instead. */
  readonly line: () => Promise<string>
  readonly go: () => void
  /** Resolves when it has ended well, and rejects with what it complained of otherwise. */
  readonly done: Promise<void>
}

const WORKER = new URL('worker.ts', import.meta.url).pathname
// Two processes with either driver.
const FOUR: readonly DriverName[] = ['mysql2', 'mariadb', 'mysql2', 'mariadb']

/** Starts four processes on the table, ready to do `task`. */
export function startWorkers(task: string, table: string, argument?: string): Promise<Worker[]> {
  return Promise.all(FOUR.map((driver) => startWorker(task, driver, table, argument)))
}

async function startWorker(
  task: string,
  driver: DriverName,
  table: string,
  argument = '',
): Promise<Worker> {
  const env = { ...process.env, MARIADB_URL: inject('mariadbUrl') }
  const child = spawn(process.execPath, [WORKER, task, driver, table, argument], { env })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const done = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(complaints)
  })
  const line = async (): Promise<string> => {
    const next = await lines.next()
    if (next.done === true) {
      await done
      throw new Error('the process has no more to say')
    }
    return next.value
  }
  const worker = { line, go: () => void child.stdin.write('go\n'), done }
  expect(await line()).toBe('ready')
  return worker
}
