import { defineConfig } from 'vitest/config'

// `unit` runs in seconds, on the sources, and is part of `npm run check`. `e2e` starts servers, browsers and
// other runtimes, on the built package where that is what users run.
export default defineConfig({
  test: {
    coverage: { include: ['src/**'] },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', '**/node_modules/**'],
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
    ],
  },
})
