// The demo: a small shop with accounts, on SQLite, in plain node:http. `npm start`, then http://localhost:3000.
//
// server.ts    starts and stops it                  site.ts     answers requests, and whatever goes wrong
// sessions.ts  where the sessions are: SOJOURN_DEMO_SESSIONS names a server
// visitor.ts   who is asking                        form.ts     reads a form
// shop-routes.ts, account-routes.ts: what each address does, with the session of the request
// shop.ts      products, and what a session holds   users.ts    names and passwords
// *-pages.ts, layout.ts, html.ts, pictures.ts, styles.css: what it looks like
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { createSessionManager } from '../src/index.ts'
import { openSessions } from './sessions.ts'
import type { Visit } from './shop.ts'
import { createSite } from './site.ts'
import { createUsers } from './users.ts'

const file = process.env['SOJOURN_DEMO_DB'] || 'demo.sqlite'
const port = Number(process.env['PORT'] || 3000)
const GRACE_MS = 3000
const IDLE_CHECK_MS = 100

// Sessions and users share the file, each in a table of their own, unless the sessions are on a server.
const db = new DatabaseSync(file)
const { backend, place, close } = await openSessions(process.env['SOJOURN_DEMO_SESSIONS'], db)
// The cookie is `__Host-session`: Secure, HttpOnly, SameSite=Lax, for this host alone.
const sessions = createSessionManager<Visit>({ backend })
const site = createSite(sessions, createUsers(db))

const server = createServer((request, response) => void site(request, response))
server.once('error', (error) => {
  console.error(`The demo cannot listen on port ${port}: ${error.message}. PORT picks another.`)
  process.exit(1)
})
server.listen(port, () => {
  const { port: listening } = server.address() as AddressInfo
  console.log(`Sojourn demo: http://localhost:${listening} (sessions in ${place})`)
  console.log('In Chromium or Firefox: Safari keeps no Secure cookie of a plain http://localhost.')
})

/** Lets the requests under way finish, and closes the file only then. */
function stop(): void {
  server.close(() => {
    void close().finally(() => db.close())
  })
  // A connection that browsers keep open is idle as soon as its answer is out.
  setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS).unref()
  setTimeout(() => server.closeAllConnections(), GRACE_MS).unref()
}

process.once('SIGTERM', stop)
process.once('SIGINT', stop)
