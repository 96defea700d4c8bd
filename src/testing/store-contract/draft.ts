import assert from 'node:assert/strict'
import { generateKey, handleOf, secretHashOf } from '../../core/key.ts'
import type { Handle, SecretHash } from '../../core/key.ts'
import type { NewRecord, Store, StoredRecord } from '../../core/store.ts'

/** A record to create: one minute idle, ten minutes in all, nobody's. */
export function draft(changes: Partial<NewRecord> = {}): NewRecord {
  const key = generateKey()
  return {
    recordId: handleOf(key),
    value: 'first',
    idleMs: 60_000,
    absoluteMs: 600_000,
    secretHash: secretHashOf(key),
    subject: null,
    authenticated: false,
    labels: null,
    extra: null,
    ...changes,
  }
}

/** Creates a record that must be new. */
export async function created(store: Store, changes: Partial<NewRecord> = {}): Promise<NewRecord> {
  const record = draft(changes)
  const result = await store.create(record)
  assert.equal(result.ok, true, 'create takes a new record')
  return record
}

/** Reads a record that must be live. */
export async function readLive(store: Store, recordId: Handle): Promise<StoredRecord> {
  const record = await store.read(recordId)
  assert.ok(record, 'the record is live')
  return record
}

/** The hash of a secret that authorises nothing yet. */
export function newHash(): SecretHash {
  return secretHashOf(generateKey())
}
