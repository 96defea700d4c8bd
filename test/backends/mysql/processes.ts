import { inject } from 'vitest'
import { startWorker } from '../../processes/worker-process.ts'
import type { WorkerProcess } from '../../processes/worker-process.ts'
import type { DriverName } from './open.ts'

const WORKER = new URL('worker.ts', import.meta.url)
// Two processes with either driver.
const FOUR: readonly DriverName[] = ['mysql2', 'mariadb', 'mysql2', 'mariadb']

/** Starts four processes on the table, ready to do `task`. */
export function startWorkers(task: string, table: string, argument = ''): Promise<WorkerProcess[]> {
  const env = { MARIADB_URL: inject('mariadbUrl') }
  return Promise.all(
    FOUR.map((driver) => startWorker(WORKER, [task, driver, table, argument], env)),
  )
}
