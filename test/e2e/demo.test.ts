import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, holdPost } from './support/client.ts'
import { startDemo } from './support/demo-server.ts'
import type { DemoServer } from './support/demo-server.ts'

const PASSWORD = 'correct horse battery'
let demo: DemoServer

beforeAll(async () => {
  demo = await startDemo()
})

afterAll(async () => {
  await demo?.close()
})

const newClient = () => createClient(demo.origin)

describe('pages', () => {
  it('set no cookie and store nothing for a visitor who only looks', async () => {
    const response = await newClient().send('/')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.getSetCookie()).toEqual([])
    expect(response.headers.get('vary')).toBe('Cookie')
    const db = new DatabaseSync(demo.file)
    const row = db.prepare('SELECT count(*) AS many FROM sojourn_sessions').get()
    db.close()
    expect(row).toEqual({ many: 0 })
  })

  it('are kept by no cache, wherever a session may show', async () => {
    const client = newClient()
    await client.post('/signup', { name: 'cached', password: PASSWORD })
    for (const path of ['/', '/account', '/login', '/signup', '/nothing']) {
      expect((await client.send(path)).headers.get('cache-control')).toBe('no-store')
    }
    expect((await client.post('/count')).headers.get('cache-control')).toBe('no-store')
  })

  it('carry security headers, those of errors too', async () => {
    for (const path of ['/', '/nothing']) {
      const { headers } = await newClient().send(path)
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      )
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('same-origin')
    }
  })

  it('answer HEAD as GET, without a body', async () => {
    const response = await newClient().send('/', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('answer an unknown address with 404', async () => {
    for (const path of ['/nothing', '/__proto__', '/constructor', '//', '/account/']) {
      const response = await newClient().send(path)
      expect([path, response.status]).toEqual([path, 404])
      expect(await response.text()).toContain('<h1>Not found</h1>')
    }
  })

  it('answer a wrong method with 405 and the right ones', async () => {
    const gotten = await newClient().send('/logout')
    expect([gotten.status, gotten.headers.get('allow')]).toEqual([405, 'POST'])
    const put = await newClient().send('/login', { method: 'PUT' })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  })

  it('escape what users call themselves', async () => {
    const client = newClient()
    const name = '"><img src=x onerror=1>\'&'
    const escaped = '&quot;&gt;&lt;img src=x onerror=1&gt;&#39;&amp;'
    const refused = await client.post('/login', { name, password: 'not this one' })
    expect(await refused.text()).toContain(`value="${escaped}"`)
    await client.post('/signup', { name, password: PASSWORD })
    const text = await client.text('/account')
    expect(text).toContain(`Hello, ${escaped}`)
    expect(text).not.toContain('<img')
  })

  it('escape what browsers call themselves', async () => {
    const client = newClient()
    const headers = { 'user-agent': '<script>alert(1)</script> Firefox/1' }
    await client.post('/signup', { name: 'agent', password: PASSWORD }, headers)
    const text = await client.text('/account')
    expect(text).toContain('<b>Firefox</b>')
    expect(text).not.toContain('<script')
  })
})

describe('forms', () => {
  it('of other sites are refused, whatever they say about themselves', async () => {
    const client = newClient()
    await client.post('/count')
    const before = await client.text('/')
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `${demo.origin}.evil.example` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: demo.origin },
    ]
    for (const headers of foreign) {
      const response = await client.post('/count', {}, headers)
      expect([headers, response.status]).toEqual([headers, 403])
    }
    const silent = { method: 'POST', body: new URLSearchParams() }
    expect((await client.send('/count', silent)).status).toBe(403)
    expect(await client.text('/')).toBe(before)
  })

  it('of other sites cannot log anybody in or out', async () => {
    const client = newClient()
    await client.post('/signup', { name: 'lured', password: PASSWORD })
    const headers = { 'sec-fetch-site': 'cross-site' }
    const fields = { name: 'lured', password: PASSWORD }
    expect((await newClient().post('/login', fields, headers)).headers.getSetCookie()).toEqual([])
    for (const path of ['/logout', '/logout-everywhere', '/devices/revoke']) {
      expect((await client.post(path, {}, headers)).status).toBe(403)
    }
    expect(await client.text('/account')).toContain('Hello, lured')
  })

  it('of another type are refused', async () => {
    const headers = { 'content-type': 'application/json', origin: demo.origin }
    const response = await newClient().send('/count', { method: 'POST', body: '{}', headers })
    expect(response.status).toBe(415)
  })

  it('of 5,000 bytes are refused', async () => {
    const response = await newClient().post('/login', { name: 'x'.repeat(5000) })
    expect([response.status, response.headers.get('connection')]).toEqual([413, 'close'])
    expect(await response.text()).toContain('<h1>Too much</h1>')
  })

  it('of 5,000,000 bytes are refused, and the client learns it each time', async () => {
    const fields = { name: 'x'.repeat(5_000_000) }
    for (let turn = 0; turn < 12; turn++) {
      expect((await newClient().post('/login', fields)).status).toBe(413)
    }
  })
})

describe('the cookie', () => {
  it('is __Host-, Secure, HttpOnly and Lax', async () => {
    const response = await newClient().post('/count')
    const [line] = response.headers.getSetCookie()
    expect(line).toMatch(
      /^__Host-session=[\w-]{22}\.[\w-]{43}; Max-Age=86400; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
  })

  it('may be malformed or unknown without harm', async () => {
    const unknown = `__Host-session=${'A'.repeat(22)}.${'B'.repeat(43)}`
    const strange = [
      '__Host-session=',
      '__Host-session="',
      '__Host-session=%00',
      `__Host-session=${'x'.repeat(10_000)}`,
      ';;;=;',
      unknown,
      '__proto__=1',
    ]
    for (const cookie of strange) {
      const response = await newClient().send('/', { headers: { cookie } })
      expect(response.status).toBe(200)
      expect(response.headers.getSetCookie()).toEqual([])
      expect(await response.text()).toContain('id="count">0<')
    }
  })

  it('is found among others of its name', async () => {
    const client = newClient()
    await client.post('/count')
    const unknown = `__Host-session=${'A'.repeat(22)}.${'B'.repeat(43)}`
    const cookie = `${unknown}; __Host-session=x; ${client.cookie()}`
    const response = await newClient().send('/', { headers: { cookie } })
    expect(await response.text()).toContain('id="count">1<')
  })
})

describe('the store', () => {
  it('holds no key that could be replayed', async () => {
    const client = newClient()
    await client.post('/signup', { name: 'hashed', password: PASSWORD })
    const [handle = '', secret = ''] = client.cookie().slice('__Host-session='.length).split('.')
    const db = new DatabaseSync(demo.file)
    const row = db.prepare('SELECT * FROM sojourn_sessions WHERE id = ?').get(handle)
    const user = db.prepare("SELECT * FROM demo_users WHERE name = 'hashed'").get()
    db.close()
    expect(row).toBeDefined()
    expect(JSON.stringify(row)).not.toContain(secret)
    expect(JSON.stringify(user)).not.toContain(PASSWORD)
    expect(demo.output()).not.toContain(secret)
  })

  it('loses none of 64 clicks at once', async () => {
    const client = newClient()
    await client.post('/count')
    await Promise.all(Array.from({ length: 64 }, () => client.post('/count')))
    expect(await client.text('/')).toContain('id="count">65<')
  })

  it('loses none of the writes that began on the same cart', async () => {
    const client = newClient()
    await client.post('/cart/add', { product: 'tent' })
    const products = ['kettle', 'tent', 'kettle', 'lantern']
    const held = await Promise.all(
      products.map(() => holdPost(demo.origin, '/cart/add', client.cookie())),
    )
    for (const [index, post] of held.entries()) {
      const { statusCode } = await post.finish({ product: products[index] ?? '' })
      expect(statusCode).toBe(303)
    }
    const text = await client.text('/')
    expect(text).toContain('data-product="kettle">2<')
    expect(text).toContain('data-product="tent">2<')
    expect(text).toContain('data-product="lantern">1<')
  })

  it('that fails is a 503, never a new visitor or a lost logout', async () => {
    const client = newClient()
    await client.post('/count')
    const db = new DatabaseSync(demo.file)
    db.exec('ALTER TABLE sojourn_sessions RENAME TO elsewhere')
    try {
      const answers = [await client.send('/'), await client.post('/logout')]
      for (const response of answers) {
        expect([response.status, response.headers.getSetCookie()]).toEqual([503, []])
        expect(response.headers.get('retry-after')).toBe('5')
        expect(await response.text()).toContain('<h1>Closed for a moment</h1>')
      }
    } finally {
      db.exec('ALTER TABLE elsewhere RENAME TO sojourn_sessions')
      db.close()
    }
    expect(await client.text('/')).toContain('id="count">1<')
  })
})
