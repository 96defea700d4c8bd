import { hash } from 'node:crypto'
import type { Awaitable } from './backend.ts'
import { decodeBridgeIndex, decodeBridgeRecord, encodeBridgeText } from './bridge-record.ts'
import type { BridgeIndex, BridgeRecord } from './bridge-record.ts'
import type { Handle } from './key.ts'
import { createTimeLimit } from './time-limit.ts'

/**
 * What a bridge asks of an engine: texts by key, and nothing atomic. Keys are of letters, digits, `-` and `_`, up
 * to 26 of them, and differ by case. A fault is thrown or rejected, and never looks like an absent text.
 */
export interface BridgeEngine {
  /** The text last written under `key`; `null` or `undefined` when there is none. */
  get(key: string): Awaitable<unknown>
  /** Writes the text. The engine may drop it by itself after `ttlMs`, but not before. */
  set(key: string, text: string, ttlMs: number): Awaitable<unknown>
  /** Removes the text. None under `key` is no fault. */
  delete(key: string): Awaitable<unknown>
  /** Every key that was written by `set` and is there still, where the engine can tell. Others may be among them. */
  keys?: (() => Iterable<string> | AsyncIterable<string>) | undefined
}

/** Records and indexes over an engine. */
export interface BridgeDocuments {
  record(key: string, recordId: Handle): Promise<BridgeRecord | undefined>
  putRecord(record: BridgeRecord, nowMs: number): Promise<void>
  index(subject: string): Promise<BridgeIndex>
  putIndex(index: BridgeIndex, nowMs: number): Promise<void>
  /** The text under `key`, whatever it is. */
  text(key: string): Promise<string | undefined>
  putText(key: string, text: string, ttlMs: number): Promise<void>
  remove(key: string): Promise<void>
}

/**
 * How much later than a record an engine may drop its text. A drop at the very moment of the expiry could meet the
 * last write that came in time, in engines that read the text first and then delete it.
 */
export const SLACK_MS = 60_000

// A write that went unanswered may still be done. Nothing else is written to its record meanwhile, for this many
// times the time limit: a logout that overtook it would not last.
const WRITE_PATIENCE = 12

/** The key of a record. */
export function recordKey(recordId: Handle): string {
  return `r-${recordId}`
}

/** The key of a subject's index. Subjects may be longer than keys and hold anything, so it is a hash: 144 bits. */
export function subjectKey(subject: string): string {
  return `s-${hash('sha256', subject, 'base64url').slice(0, 24)}`
}

/** Reads and writes records and indexes, each call of the engine within a time limit. */
export function createBridgeDocuments(engine: BridgeEngine, timeoutMs: number): BridgeDocuments {
  const inTime = createTimeLimit(timeoutMs)
  const patiently = createTimeLimit(timeoutMs * WRITE_PATIENCE)

  async function text(key: string): Promise<string | undefined> {
    const found = await inTime((async () => engine.get(key))())
    if (found === undefined || found === null) return undefined
    if (typeof found === 'string') return found
    // Some drivers return the error that they should have thrown. Anything else may be somebody's data.
    const cause = found instanceof Error ? found : undefined
    throw new Error('the engine returned something that is no text', { cause })
  }

  async function putText(key: string, content: string, ttlMs: number): Promise<void> {
    await patiently((async () => engine.set(key, content, ttlMs))())
  }

  async function remove(key: string): Promise<void> {
    await patiently((async () => engine.delete(key))())
  }

  return {
    text,
    putText,
    remove,

    async record(key, recordId) {
      const found = await text(key)
      if (found === undefined) return undefined
      const record = decodeBridgeRecord(found)
      // An engine that ignores case finds records under keys that nobody was given.
      return record.recordId === recordId ? record : undefined
    },

    async putRecord(record, nowMs) {
      const key = recordKey(record.recordId)
      const leftMs = record.expiresAtMs - nowMs
      if (leftMs <= 0) await remove(key)
      else await putText(key, encodeBridgeText(record), Math.ceil(leftMs) + SLACK_MS)
    },

    async index(subject) {
      const found = await text(subjectKey(subject))
      return found === undefined ? { subject, entries: [] } : decodeBridgeIndex(found)
    },

    async putIndex({ subject, entries }, nowMs) {
      // Later than it needs to be: no session may outlive the index through which it is ended.
      const current = entries.filter(([, deadlineMs]) => nowMs < deadlineMs + SLACK_MS)
      const key = subjectKey(subject)
      if (current.length === 0) return remove(key)
      const lastMs = Math.max(...current.map(([, deadlineMs]) => deadlineMs))
      const ttlMs = Math.ceil(lastMs - nowMs) + 2 * SLACK_MS
      await putText(key, encodeBridgeText({ subject, entries: current }), ttlMs)
    },
  }
}
