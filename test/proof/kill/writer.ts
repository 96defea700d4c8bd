// Writes sessions as fast as it can until it is killed, and keeps a journal of what was acknowledged. The
// journal is one write(2) a line, which a killed process cannot take back.
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSqliteBackend } from '../../../src/backends/sqlite.ts'
import { createSessionManager } from '../../../src/index.ts'
import type { Session } from '../../../src/index.ts'
import { valueOf } from './journal.ts'
import type { Entry, Operation, Value } from './journal.ts'

const [path = '', journalPath = '', operations = '', acknowledge = ''] = process.argv.slice(2)
const menu = operations.split(',') as Operation[]
// The lie that the proof must find out: a write acknowledged before it is made.
const early = acknowledge === 'early'

interface Own {
  readonly session: string
  readonly object: Session<Value>
  count: number
}

const journal = openSync(journalPath, 'a')
const sessions = createSessionManager<Value>({ backend: createSqliteBackend(path) })
const own: Own[] = []
let created = 0

function note(entry: Entry): void {
  writeSync(journal, `${JSON.stringify(entry)}\n`)
}

async function create(): Promise<void> {
  const session = `${process.pid}-${++created}`
  const entry = { operation: 'create', session, count: 0 } as const
  note({ step: 'try', ...entry })
  const object = await sessions.generate(valueOf(0), { subject: session })
  note({ step: 'ack', ...entry, key: object.key })
  own.push({ session, object, count: 0 })
}

async function change(operation: Operation, target: Own): Promise<void> {
  const { session, object } = target
  const count = target.count + (operation === 'update' ? 1 : 0)
  const entry = { operation, session, count }
  note({ step: 'try', ...entry })
  if (early) {
    note({ step: 'ack', ...entry, key: object.key })
    await sleep(5)
  }
  if (operation === 'update') await sessions.update(object, () => valueOf(count))
  else if (operation === 'rotate') await sessions.rotate(object)
  else await sessions.clear(object)
  target.count = count
  if (!early) note({ step: 'ack', ...entry, key: object.key })
}

for (;;) {
  const operation = menu[Math.floor(Math.random() * menu.length)] ?? 'create'
  const at = Math.floor(Math.random() * own.length)
  const target = own[at]
  if (operation === 'create' || target === undefined) {
    await create()
  } else {
    await change(operation, target)
    if (operation === 'clear') own.splice(at, 1)
  }
}
