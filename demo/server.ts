// The demo: a small shop with accounts, on SQLite, in plain node:http. `npm start`, then http://localhost:3000.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { createSqliteBackend } from '../src/backends/sqlite.ts'
import { createSessionManager } from '../src/index.ts'
import type { Visit } from './shop.ts'
import { createSite } from './site.ts'
import { createUsers } from './users.ts'

const file = process.env['SOJOURN_DEMO_DB'] ?? 'demo.sqlite'
const port = Number(process.env['PORT'] ?? 3000)

// Sessions and users share the file, each in tables of their own. A day without use ends a session.
const db = new DatabaseSync(file)
const backend = createSqliteBackend(db, { period: 86_400 })
const sessions = createSessionManager<Visit>({ backend })
const site = createSite(sessions, createUsers(db))

const server = createServer((request, response) => void site(request, response))
server.listen(port, () => {
  const { port: listening } = server.address() as AddressInfo
  console.log(`Sojourn demo: http://localhost:${listening} (sessions in ${file})`)
})

function stop(): void {
  server.close(() => {
    backend.close()
    db.close()
  })
  server.closeIdleConnections()
}

process.once('SIGTERM', stop)
process.once('SIGINT', stop)
