// Login, logout and devices with node:http. An application imports 'sojourn' and its subpaths.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createNodeAdapter } from '../src/adapters/node.ts'
import { createSqliteBackend } from '../src/backends/sqlite.ts'
import { createSessionManager, isSessionError } from '../src/index.ts'

const file = process.env['SESSIONS'] ?? 'sessions.sqlite'
const sessions = createSessionManager<{ cart: string[] }>({ backend: createSqliteBackend(file) })
const session = createNodeAdapter(sessions)

// Stands for a look-up of name and password.
const users = new Map([['ann', 'correct horse']])

async function answer(request: IncomingMessage, response: ServerResponse): Promise<string> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const mine = session(request, response)
  switch (`${request.method} ${url.pathname}`) {
    case 'POST /login': {
      const name = url.searchParams.get('name') ?? ''
      if (users.get(name) !== request.headers['x-password']) {
        response.statusCode = 403
        return 'wrong name or password'
      }
      const labels = { device: request.headers['user-agent'] ?? 'unknown' }
      const { subject } = await mine.bind(name, { cart: [] }, { labels })
      return `hello ${subject}`
    }
    case 'POST /logout':
      await mine.clear()
      return 'goodbye'
    case 'POST /logout-others': {
      const loaded = await mine.load()
      if (loaded?.subject === undefined) return 'nobody'
      return `${await sessions.clearSubject(loaded.subject, { except: loaded })} ended`
    }
    case 'GET /devices': {
      const { subject } = (await mine.load()) ?? {}
      const devices = subject === undefined ? [] : await sessions.list(subject)
      return devices.map(({ labels }) => labels['device']).join(', ')
    }
    default:
      return `hello ${(await mine.load())?.subject ?? 'stranger'}`
  }
}

const server = createServer((request, response) => {
  answer(request, response).then(
    (text) => response.end(`${text}\n`),
    (error: unknown) => {
      // A store that is down is an error, never a stranger.
      const outage = isSessionError(error) && error.code === 'ERR_SESSION_BACKEND'
      response.writeHead(outage ? 503 : 500).end()
    },
  )
})
server.listen(Number(process.env['PORT'] ?? 3000), () => console.log(server.address()))
