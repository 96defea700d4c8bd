import { createRedisBackend } from '../../../src/backends/redis.ts'
import type { RedisClient } from '../../../src/backends/redis.ts'
import { processSuite } from '../../processes/suite.ts'
import { startWorker } from '../../processes/worker-process.ts'
import { newPrefix } from './clients.ts'

const WORKER = new URL('worker.ts', import.meta.url)

/** Which Redis the processes are on, and by which driver of the worker's. */
export interface Place {
  readonly driver: string
  readonly url: string
  readonly client: RedisClient
}

/** What must hold when four processes share a Redis. */
export function runProcesses(place: () => Place, options: { readonly least?: number } = {}): void {
  processSuite(async () => {
    const { driver, url, client } = place()
    const prefix = newPrefix()
    const start = (task: string, argument: string) => {
      const parameters = [task, driver, url, prefix, argument]
      return Promise.all(Array.from({ length: 4 }, () => startWorker(WORKER, parameters)))
    }
    return { backend: createRedisBackend(client, { prefix }), start }
  }, options)
}
