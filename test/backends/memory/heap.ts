// Makes, writes and rotates sessions by keys that nobody holds any more, and prints how many of these keys a snapshot of
// the heap shows. `planted` keeps the handles as slices of their keys; `near-cache` reads each through a near cache;
// `cells` keeps the records outside the heap.
import { randomBytes } from 'node:crypto'
import { getHeapSnapshot } from 'node:v8'
import { createMemoryBackend, createMemoryStore } from '../../../src/backends/memory.ts'
import { handleOf } from '../../../src/core/key.ts'
import type { Key } from '../../../src/core/key.ts'
import { createBackend } from '../../../src/core/lifecycle.ts'
import { createNearCache } from '../../../src/core/near-cache.ts'
import type { SessionBackend } from '../../../src/core/session-backend.ts'
import type { Store } from '../../../src/core/store.ts'
import { createCellStore } from './cell-store.ts'

const SESSIONS = 100
const MARK = 'marked-secret-'
const [mode = ''] = process.argv.slice(2)
const backend = await createMarked()
const kept: unknown[] = []

async function createMarked(): Promise<SessionBackend> {
  if (mode === 'near-cache') return createCached()
  return mode === 'cells' ? createBackend(await createCellStore(Date.now)) : createMemoryBackend()
}

/** On a store that gives a record back under the very id that it was asked for, as Redis does. */
function createCached(): SessionBackend {
  const memory = createMemoryStore()
  const read: Store['read'] = async (recordId) => {
    const record = await memory.read(recordId)
    return record === undefined ? undefined : { ...record, recordId }
  }
  return createBackend(createNearCache({ ...memory, read }, { maxStaleness: 60 }).store)
}

function drawKey(): Key {
  const secret = MARK + randomBytes(32).toString('base64url')
  return `${randomBytes(16).toString('base64url')}.${secret.slice(0, 43)}` as Key
}

async function use(): Promise<void> {
  const key = await backend.generate({ key: drawKey(), value: 'first', subject: 'ann' })
  await backend.set(key, 'second')
  if (mode === 'near-cache') await backend.get(key)
  else await backend.rotate(key, 1)
  if (mode === 'planted') kept.push(handleOf(key))
}

for (let n = 0; n < SESSIONS; n++) await use()
globalThis.gc?.()
let text = ''
for await (const chunk of getHeapSnapshot()) text += String(chunk)
const shown = text.match(new RegExp(`[\\w-]{22}\\.${MARK}[\\w-]{29}`, 'gu')) ?? []
process.stdout.write(String(new Set(shown).size))
// What is looked for must still be there when the snapshot is taken.
if ((await backend.list('ann')).length !== SESSIONS || kept.length > SESSIONS) process.exitCode = 1
