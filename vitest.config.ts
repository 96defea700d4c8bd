import { defineConfig } from 'vitest/config'

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
