import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './fault.ts'

const SINGLE = ['postgres', 'redis', 'mariadb']
// Long enough that operations fail by the time limit, and short enough for several in a run.
const LONGER_MS = 1200
const CUTS = 8

/** What is done to the engines. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'kill -9',
    engines: SINGLE,
    async run({ engine, timeoutMs }) {
      await engine.kill('SIGKILL')
      // Now and then it is back before the time limit has run out for what was under way.
      await sleep(Math.random() * (timeoutMs + LONGER_MS))
      await engine.restart()
    },
  },
  {
    name: 'cut',
    engines: SINGLE,
    throughProxy: true,
    // It sends again what it has had no answer to.
    unnoticedBy: ['ioredis'],
    async run({ wire }) {
      for (let i = 0; i < CUTS; i++) {
        await wire.cutOnNext()
        await sleep(Math.random() * 100)
      }
      wire.cut()
    },
  },
  {
    name: 'stall',
    engines: SINGLE,
    throughProxy: true,
    async run({ wire, timeoutMs }) {
      wire.stall()
      await sleep(timeoutMs + LONGER_MS)
      wire.resume()
    },
  },
  {
    name: 'hang',
    engines: SINGLE,
    async run({ engine, timeoutMs }) {
      await engine.kill('SIGSTOP')
      await sleep(timeoutMs + LONGER_MS)
      await engine.kill('SIGCONT')
    },
  },
  {
    name: 'full disk',
    engines: SINGLE,
    onSmallDisk: true,
    // Room that is taken already, in pages and log files, has to be used up as well.
    valueBytes: 16_384,
    async run({ engine, noticed }) {
      await engine.fill?.()
      await noticed(20_000)
      await sleep(1500)
      await engine.drain?.()
    },
  },
  {
    name: 'maxmemory',
    engines: ['redis'],
    async run({ engine }) {
      await engine.limitMemory?.(1)
      await sleep(1500)
      await engine.limitMemory?.(0)
    },
  },
  {
    name: 'failover',
    engines: ['sentinel'],
    failover: 'acknowledged',
    run: async ({ engine }) => engine.failOver?.('killed'),
  },
  {
    name: 'failover, WAIT',
    engines: ['sentinel'],
    failover: 'unconfirmed',
    run: async ({ engine }) => engine.failOver?.('killed'),
  },
  {
    name: 'planned failover',
    engines: ['sentinel'],
    failover: 'none',
    run: async ({ engine }) => engine.failOver?.('planned'),
  },
]
