// What a user of a CommonJS project writes: ES modules are required as they are from Node 20.19 on.
const assert = require('node:assert/strict')
const { createSessionManager, SessionGoneError } = require('sojourn')
const { createMemoryBackend } = require('sojourn/backends/memory')
const { createSqliteBackend } = require('sojourn/backends/sqlite')
const session = require('sojourn/express-session')

async function main() {
  const report = {}
  for (const backend of [createMemoryBackend(), createSqliteBackend(process.argv[2])]) {
    const sessions = createSessionManager({ backend })
    const made = await sessions.generate({ visits: 1 })
    const cookie = sessions.toCookieHeaders(made).find(([name]) => name === 'Set-Cookie')[1]
    const found = await sessions.fromHeaders(cookie.split(';')[0])
    assert.equal(found.ok, true)
    await sessions.update(found.session, ({ visits }) => ({ visits: visits + 1 }))
    const read = await sessions.fromKey(made.key)
    report[Object.keys(report).length === 0 ? 'memory' : 'sqlite'] = read.session.value
    await sessions.clear(read.session)
    await assert.rejects(sessions.set(made, { value: { visits: 9 } }), SessionGoneError)
    backend.close()
  }
  // The drop-in is what `require` gives, as with express-session, and so is what hangs on it.
  const middleware = session({ secret: 'keyboard cat', store: new session.MemoryStore() })
  assert.equal(middleware.length, 3)
  assert.equal(session.default, undefined)
  console.log(JSON.stringify(report))
}

void main()
