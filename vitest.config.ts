import { existsSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// A write that is durable waits for the disk, and all tests together wait for minutes. So their files, those of the
// servers among them, are in memory where Linux has room for them there: a process that is killed leaves the same
// behind. The proofs that are scripts write to the disk.
const IN_MEMORY = '/dev/shm'
if (existsSync(IN_MEMORY) && roomIn(IN_MEMORY) > 4 * 2 ** 30) process.env['TMPDIR'] ??= IN_MEMORY

// Some hundred processes load the same files: the workers, and the processes that tests start.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compiled')

function roomIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

const SERVERS = [
  'test/backends/{postgres,redis,mysql,mariadb,valkey,bridges}*.test.ts',
  'test/servers/*.test.ts',
  'test/faults/*.test.ts',
  'test/model/*servers*.test.ts',
]

// `unit` runs in seconds, on the sources, and is part of `npm run check`. `e2e` starts browsers and other
// runtimes, on the built package where that is what users run. `servers` runs the server backends on one server
// of each engine, `topologies` on what takes several: a cluster, a failover, a replica, a pooler.
export default defineConfig({
  test: {
    coverage: { include: ['src/**'] },
    // All cores: on two, Vitest's own choice is one worker.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/topologies/**', ...SERVERS, '**/node_modules/**'],
          // Properties over 10^5 inputs take seconds, and more on a busy machine.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // What is waited for comes from another process, on a machine that may be busy.
          expect: { poll: { timeout: 20_000 } },
        },
      },
      {
        test: {
          name: 'servers',
          include: SERVERS,
          globalSetup: 'test/servers/global-setup.ts',
          // The servers need a core as well, and a record of some cases lives for a second only.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'topologies',
          include: ['test/topologies/**/*.test.ts'],
          // Each file starts up to six servers.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
