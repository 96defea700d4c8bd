import type { Handle } from '../../core/key.ts'

/** The names of this backend's keys. In a cluster, what belongs to one record is in one slot. */
export interface Keyspace {
  readonly prefix: string
  record(recordId: Handle): string
  /** Where an index in another slot is told that a record's step has run. */
  mark(recordId: Handle, indexName: string): string
  index(indexName: string): string
  /** A pattern for SCAN that all of them match, and of others few. */
  readonly pattern: string
  /** The record of a key; `undefined` for any other key. */
  recordIdOf(key: string): Handle | undefined
  /** What a key is; `undefined` for one of somebody else's whose name begins alike. */
  kindOf(key: string): 'record' | 'index' | undefined
}

const RECORD = /^\{[A-Za-z0-9_-]{22}\}$/
const INDEX = /^subject:[A-Za-z0-9_-]{22}$/

/** Makes the names below `prefix`. */
export function createKeyspace(prefix: string): Keyspace {
  function kindOf(key: string): ReturnType<Keyspace['kindOf']> {
    const rest = key.startsWith(prefix) ? key.slice(prefix.length) : ''
    if (RECORD.test(rest)) return 'record'
    return INDEX.test(rest) ? 'index' : undefined
  }

  return {
    prefix,
    record: (recordId) => `${prefix}{${recordId}}`,
    mark: (recordId, indexName) => `${prefix}{${recordId}}:${indexName}`,
    index: (indexName) => `${prefix}subject:${indexName}`,
    pattern: `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`,
    recordIdOf: (key) => (kindOf(key) === 'record' ? (key.slice(-23, -1) as Handle) : undefined),
    kindOf,
  }
}
