/** A figure that somebody has measured, and where it is written down. */
export interface Figure {
  readonly is: number
  readonly source: string
}

/** What was measured of one engine, on one machine of two cores that the caller shared with it. */
export interface Engine {
  readonly title: string
  /** Bytes that it holds for each session, indexes included, with a value of `valueBytes`. */
  readonly bytes: Figure
  readonly valueBytes: number
  /** Calls of the manager in a second: reads, and new values. */
  readonly reads: Figure
  readonly values: Figure
  /** Changes that go one by one: touches, creations, logouts. */
  readonly singles: Figure
  /** Bytes of its memory that a restarted server has loaded in a second; none where it loads nothing. */
  readonly reload?: Figure | undefined
  /** What removes expired sessions: a walk over all, a sweep of those whose five minutes are over, or the engine itself. */
  readonly sweep: 'walk' | 'buckets' | 'own'
  /** How its sessions get onto several servers. */
  readonly shards: 'cluster' | 'none'
}

const BENCH = 'bench/README.md'
const MILLION = 'docs/proofs.md, `proof:million`'

/** The engines by the names that the script takes. */
export const ENGINES = {
  memory: {
    title: 'memory',
    bytes: { is: 225, source: 'docs/proofs.md, `proof:memory`, 28 November 2026' },
    valueBytes: 100,
    reads: { is: 1e6 / 5.42, source: `${BENCH}, memory, read, manager: 5.42 µs` },
    values: { is: 1e6 / 5.04, source: `${BENCH}, memory, write, manager: 5.04 µs` },
    singles: { is: 1e6 / 5.04, source: `${BENCH}: as a write; not measured by itself` },
    sweep: 'walk',
    shards: 'none',
  },
  redis: {
    title: 'Redis',
    bytes: { is: 646, source: `${MILLION}, 25 November 2026` },
    valueBytes: 280,
    reads: { is: 40_035, source: `${BENCH}, node-redis, manager.fromHeaders, 29 November 2026` },
    values: { is: 8578, source: `${BENCH}, node-redis, manager.set, 29 November 2026` },
    singles: { is: 8578, source: `${BENCH}: one script, as a value; not measured by itself` },
    reload: { is: 199e6, source: '`bench/scaling/reload.ts`, a snapshot, 29 November 2026' },
    sweep: 'own',
    shards: 'cluster',
  },
  postgres: {
    title: 'PostgreSQL',
    bytes: { is: 654, source: `${MILLION}, 25 November 2026` },
    valueBytes: 280,
    reads: { is: 75_971, source: `${BENCH}, pg, manager.fromHeaders, 25 November 2026` },
    values: { is: 2359, source: `${BENCH}, pg, manager.set, 28 November 2026, a busy machine` },
    singles: { is: 808, source: `${BENCH}, pg, its own UPDATE, 28 November 2026, a busy machine` },
    sweep: 'buckets',
    shards: 'none',
  },
  mariadb: {
    title: 'MariaDB',
    bytes: { is: 763, source: '`npm run proof:million -- mariadb`, 29 November 2026' },
    valueBytes: 280,
    reads: { is: 54_945, source: `${BENCH}, mysql2, manager.fromHeaders, 25 November 2026` },
    values: { is: 1537, source: `${BENCH}, mysql2, manager.set, 28 November 2026, a busy machine` },
    singles: { is: 634, source: `${BENCH}, mysql2: 0.54 of the bare UPDATE’s 1,174` },
    sweep: 'buckets',
    shards: 'none',
  },
} as const satisfies Readonly<Record<string, Engine>>

export type EngineName = keyof typeof ENGINES

/** Sessions without a store: microseconds of a core to open a cookie of 700 bytes, and to open and seal one. */
export const SEALED: { readonly read: Figure; readonly write: Figure } = {
  read: { is: 33.81, source: `${BENCH}, without a store, read, 25 November 2026` },
  write: { is: 63.35, source: `${BENCH}, without a store, write, 25 November 2026` },
}
