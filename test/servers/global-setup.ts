import type { TestProject } from 'vitest/node'
import { BINARIES, installMissing } from './binary.ts'
import { startMariadb } from './mariadb.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
    redisUrl: string
    mariadbUrl: string
  }
}

/**
 * One PostgreSQL, one Redis and one MariaDB for the project `servers`: those that the environment names, else new
 * ones. One that cannot be had fails the run; none is skipped.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const engines = [BINARIES.postgres, BINARIES.redis, BINARIES.mariadb] as const
  installMissing(engines.filter(({ variable }) => !process.env[variable]))
  const servers = await Promise.all([
    given(engines[0].variable) ?? startPostgres(),
    given(engines[1].variable) ?? startRedis(),
    given(engines[2].variable) ?? startMariadb(),
  ])
  const [postgres, redis, mariadb] = servers
  project.provide('postgresUrl', postgres.url)
  project.provide('redisUrl', redis.url)
  project.provide('mariadbUrl', mariadb.url)
  return async () => {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

/** A server of someone else's, which the tests use and leave running. */
function given(variable: string): { url: string; stop: () => Promise<void> } | undefined {
  const url = process.env[variable]
  return url ? { url, stop: async () => {} } : undefined
}
