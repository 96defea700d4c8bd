// An application on the drop-in for express-session, as its users have one: CommonJS, Express, connect-flash, a store
// made the old way. It asks itself over HTTP, and prints one line of JSON.
const assert = require('node:assert/strict')
const http = require('node:http')
const util = require('node:util')
const express = require('express')
const flash = require('connect-flash')
const session = require('sojourn/express-session')
const { createMemoryBackend } = require('sojourn/backends/memory')

function Old(options) {
  session.Store.call(this, options)
  this.records = new Map()
}
util.inherits(Old, session.Store)
Old.prototype.get = function (sid, callback) {
  const text = this.records.get(sid)
  setImmediate(() => callback(null, text === undefined ? undefined : JSON.parse(text)))
}
Old.prototype.set = function (sid, data, callback) {
  this.records.set(sid, JSON.stringify(data))
  setImmediate(() => callback())
}
Old.prototype.destroy = function (sid, callback) {
  this.records.delete(sid)
  setImmediate(() => callback())
}

const STORES = {
  'a backend': () => createMemoryBackend({ sweepEveryMs: 0 }),
  'a MemoryStore': () => new session.MemoryStore(),
  'a store made the old way': () => new Old(),
}

function appOn(store) {
  const app = express()
  app.set('env', 'test')
  app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: false, store }))
  app.use(flash())
  app.get('/', (req, res) => {
    req.session.views = (req.session.views ?? 0) + 1
    res.json({ views: req.session.views, user: req.session.user, said: req.flash('info') })
  })
  app.get('/none', (_req, res) => void res.send('none'))
  app.get('/login', (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error)
      req.session.user = 'ann'
      req.flash('info', 'welcome, %s', 'ann')
      res.redirect('/')
    })
  })
  app.get('/stream', (req, res) => {
    req.session.streamed = true
    res.write('first;')
    setImmediate(() => res.end('last'))
  })
  app.get('/throw', (req) => {
    req.session.thrown = true
    throw new RangeError('no stock')
  })
  app.get('/set/:key', (req, res) => {
    req.session[req.params.key] = true
    setImmediate(() => res.send('set'))
  })
  app.get('/all', (req, res) => void res.json(Object.keys(req.session)))
  app.get('/out', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.send('bye')))
  })
  app.use((error, _req, res, _next) => void res.status(500).send(error.message))
  return app
}

/** A client that keeps its cookie. */
function clientOf(port) {
  let cookie = ''
  const ask = (path, method = 'GET') =>
    new Promise((resolve, reject) => {
      const headers = cookie === '' ? {} : { cookie }
      const request = http.request({ host: '127.0.0.1', port, path, method, headers, agent: false })
      request.on('error', reject)
      request.on('response', (response) => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (piece) => (body += piece))
        response.on('end', () => {
          const [line] = response.headers['set-cookie'] ?? []
          if (line !== undefined) [cookie] = line.split(';')
          resolve({ status: response.statusCode, headers: response.headers, body, line })
        })
      })
      request.end()
    })
  return { ask, cookie: () => cookie, use: (other) => (cookie = other) }
}

const CASES = {
  'says nothing where it has nothing to say': async ({ ask }) => {
    const { body, line } = await ask('/none')
    assert.deepEqual([body, line], ['none', undefined])
  },
  counts: async ({ ask }) => {
    const first = await ask('/')
    assert.match(first.line, /^connect\.sid=s%3A.*; Path=\/; HttpOnly$/)
    assert.equal(JSON.parse(first.body).views, 1)
    assert.equal(JSON.parse((await ask('/')).body).views, 2)
  },
  'saves before a redirect, with a message for the next page': async ({ ask, cookie, use }) => {
    await ask('/')
    const before = cookie()
    const login = await ask('/login')
    assert.deepEqual([login.status, login.headers.location], [302, '/'])
    assert.notEqual(cookie(), before)
    assert.deepEqual(JSON.parse((await ask('/')).body), {
      views: 1,
      user: 'ann',
      said: ['welcome, ann'],
    })
    assert.deepEqual(JSON.parse((await ask('/')).body), { views: 2, user: 'ann', said: [] })
    use(before)
    assert.equal(JSON.parse((await ask('/')).body).user, undefined)
  },
  'saves before a stream': async ({ ask }) => {
    const { body, line } = await ask('/stream')
    assert.equal(body, 'first;last')
    assert.match(line, /^connect\.sid=/)
    assert.match((await ask('/all')).body, /streamed/)
  },
  'saves what a handler wrote before it threw': async ({ ask }) => {
    const { status, body, line } = await ask('/throw')
    assert.deepEqual([status, body], [500, 'no stock'])
    assert.match(line, /^connect\.sid=/)
    assert.match((await ask('/all')).body, /thrown/)
  },
  'answers HEAD': async ({ ask }) => {
    const { status, body, line } = await ask('/', 'HEAD')
    assert.deepEqual([status, body], [200, ''])
    assert.match(line, /^connect\.sid=/)
  },
  'logs out': async ({ ask, cookie, use }) => {
    await ask('/login')
    const before = cookie()
    const { body, line } = await ask('/out')
    assert.equal(body, 'bye')
    assert.match(line, /^connect\.sid=; /)
    use(before)
    assert.equal(JSON.parse((await ask('/')).body).user, undefined)
  },
  'keeps what requests at once set, each a key': async ({ ask }) => {
    await ask('/')
    await Promise.all(['a', 'b', 'c'].map((key) => ask(`/set/${key}`)))
    assert.deepEqual(JSON.parse((await ask('/all')).body).toSorted(), [
      'a',
      'b',
      'c',
      'cookie',
      'flash',
      'views',
    ])
  },
}

async function main() {
  const report = { passed: 0, failed: [] }
  for (const [place, open] of Object.entries(STORES)) {
    const server = http.createServer(appOn(open()))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    for (const [name, run] of Object.entries(CASES)) {
      try {
        await run(clientOf(server.address().port))
        report.passed += 1
      } catch (error) {
        report.failed.push(`on ${place}: ${name}: ${error.stack}`)
      }
    }
    server.closeAllConnections?.()
    server.close()
  }
  console.log(JSON.stringify(report))
}

void main()
