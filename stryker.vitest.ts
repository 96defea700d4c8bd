import { defineConfig } from 'vitest/config'

// Stryker runs every project that a config names, and a mutant must meet the fast tests only: servers,
// browsers and other runtimes run on the built package, which holds no mutant. So this is the `unit`
// project of vitest.config.ts alone, less the tests of the tree itself: its lint, its docs, its examples, its benchmarks.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/e2e/**',
      'test/runtimes/**',
      'test/{servers,topologies,faults}/**',
      'test/model/*servers*.test.ts',
      'test/backends/{postgres,redis,mysql,mariadb,valkey,bridges}*.test.ts',
      'test/bench/**',
      'test/{lint,docs,examples*}.test.ts',
    ],
  },
})
