// The README's counter. An application imports 'sojourn', 'sojourn/adapters/node' and 'sojourn/backends/sqlite'.
import { createServer } from 'node:http'
import { createNodeAdapter } from '../src/adapters/node.ts'
import { createSqliteBackend } from '../src/backends/sqlite.ts'
import { createSessionManager } from '../src/index.ts'

const file = process.env['SESSIONS'] ?? 'sessions.sqlite'
const sessions = createSessionManager<number>({ backend: createSqliteBackend(file) })
const session = createNodeAdapter(sessions)

const server = createServer((request, response) => {
  session(request, response)
    .update((visits = 0) => visits + 1)
    .then(
      (visits) => response.end(`visit ${visits}\n`),
      () => response.writeHead(503).end('closed for a moment\n'),
    )
})
server.listen(Number(process.env['PORT'] ?? 3000), () => console.log(server.address()))
