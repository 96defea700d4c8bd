import { createBackend } from '../../src/core/lifecycle.ts'
import { createMemoryStore } from '../../src/backends/memory.ts'
import type { Store } from '../../src/index.ts'
import type { Engine, Fault, RunningEngine } from './fault.ts'

interface Flaky extends RunningEngine {
  readonly store: Store
}

/**
 * A memory store that can be in trouble: many a call then fails at once, fails after it has taken effect, or has no
 * answer and takes effect when the trouble is over. It proves the run itself, without a server.
 */
export const flakyMemory: Engine = {
  name: 'memory',
  async start() {
    const store = createMemoryStore()
    let up = Promise.resolve()
    let goUp: (() => void) | undefined

    async function call(run: () => unknown): Promise<unknown> {
      await new Promise(setImmediate)
      if (goUp === undefined) return run()
      // Most calls go well, so that what the others did wrong is soon seen.
      const draw = Math.random()
      if (draw < 0.5) return run()
      if (draw < 0.8) throw new Error('down')
      if (draw < 0.81) await up
      await run()
      throw new Error('the answer is lost')
    }

    const flaky = Object.fromEntries(
      Object.entries(store).map(([name, method]) => [
        name,
        (...args: unknown[]) => call(() => (method as (...all: unknown[]) => unknown)(...args)),
      ]),
    ) as unknown as Store
    const engine: Flaky = {
      port: 0,
      store: flaky,
      async kill() {
        up = new Promise((resolve) => {
          goUp = resolve
        })
      },
      async restart() {
        goUp?.()
        goUp = undefined
      },
      stop: async () => {},
    }
    return engine
  },
  drivers: {
    none: ({ running, timeoutMs }) => ({
      backend: createBackend((running as Flaky).store, { timeoutMs }),
      close: async () => {},
    }),
  },
}

/** Some trouble of the memory store. */
export const outage: Fault = {
  name: 'outage',
  engines: ['memory'],
  async run({ engine }) {
    await engine.kill('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 2500))
    await engine.restart()
  },
}
