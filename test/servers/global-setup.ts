import type { TestProject } from 'vitest/node'
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
  const servers = await Promise.all([
    given('SOJOURN_TEST_POSTGRES_URL') ?? startPostgres(),
    given('SOJOURN_TEST_REDIS_URL') ?? startRedis(),
    given('SOJOURN_TEST_MARIADB_URL') ?? startMariadb(),
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
