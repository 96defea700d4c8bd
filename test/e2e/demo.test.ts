import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startDemo } from './support/demo-server.ts'
import type { DemoServer } from './support/demo-server.ts'

const PASSWORD = 'correct horse battery'
let demo: DemoServer

beforeAll(async () => {
  demo = await startDemo()
})

afterAll(async () => {
  await demo.close()
})

/** A client with a cookie jar for the one cookie there is. */
function createClient() {
  let cookie = ''
  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (cookie !== '' && !headers.has('cookie')) headers.set('cookie', cookie)
    const response = await fetch(`${demo.origin}${path}`, { redirect: 'manual', ...init, headers })
    for (const line of response.headers.getSetCookie()) {
      cookie = line.includes('Max-Age=0') ? '' : (line.split(';')[0] ?? '')
    }
    return response
  }
  const post = (
    path: string,
    fields: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) =>
    send(path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { origin: demo.origin, ...headers },
    })
  return {
    send,
    post,
    text: async (path: string) => (await send(path)).text(),
    cookie: () => cookie,
  }
}

describe('pages', () => {
  it('set no cookie and store nothing for a visitor who only looks', async () => {
    const response = await createClient().send('/')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.getSetCookie()).toEqual([])
    expect([response.headers.get('vary'), response.headers.get('cache-control')]).toEqual([
      'Cookie',
      'no-store',
    ])
  })

  it('answer what is not there with 404, 405 and 415', async () => {
    const client = createClient()
    expect((await client.send('/nothing')).status).toBe(404)
    expect((await client.send('/__proto__')).status).toBe(404)
    expect((await client.send('/logout')).status).toBe(405)
    const json = {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', origin: demo.origin },
    }
    expect((await client.send('/count', json)).status).toBe(415)
  })

  it('refuse a form that is too large', async () => {
    const response = await createClient().post('/login', {
      name: 'x'.repeat(10_000),
      password: PASSWORD,
    })
    expect(response.status).toBe(413)
  })

  it('escape what users call themselves', async () => {
    const client = createClient()
    await client.post('/signup', { name: '<img src=x onerror=1>', password: PASSWORD })
    const text = await client.text('/account')
    expect(text).toContain('Hello, &lt;img src=x onerror=1&gt;')
    expect(text).not.toContain('<img')
  })
})

describe('forms of other sites', () => {
  it('are refused, whatever they say about themselves', async () => {
    const client = createClient()
    await client.post('/count')
    const before = await client.text('/')
    const foreign = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: demo.origin },
    ]
    for (const headers of foreign)
      expect((await client.post('/count', {}, headers)).status).toBe(403)
    const silent = { method: 'POST', body: new URLSearchParams() }
    expect((await client.send('/count', silent)).status).toBe(403)
    expect(await client.text('/')).toBe(before)
  })
})

describe('the cookie', () => {
  it('is __Host-, Secure, HttpOnly and Lax', async () => {
    const response = await createClient().post('/count')
    const [line] = response.headers.getSetCookie()
    expect(line).toMatch(
      /^__Host-session=[\w-]{22}\.[\w-]{43}; Max-Age=86400; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    )
  })

  it('may be malformed, unknown or doubled without harm', async () => {
    const client = createClient()
    await client.post('/count')
    const good = client.cookie()
    const unknown = `__Host-session=${'A'.repeat(22)}.${'B'.repeat(43)}`
    const strange = [
      '__Host-session=',
      '__Host-session="',
      '__Host-session=%00',
      ';;;=;',
      unknown,
      '__proto__=1',
    ]
    for (const cookie of strange) {
      const response = await createClient().send('/', { headers: { cookie } })
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('id="count">0<')
    }
    const tossed = await createClient().send('/', {
      headers: { cookie: `${unknown}; __Host-session=x; ${good}` },
    })
    expect(await tossed.text()).toContain('id="count">1<')
  })
})

describe('accounts', () => {
  it('say the same of a wrong password and of nobody', async () => {
    const client = createClient()
    await client.post('/signup', { name: 'wrong', password: PASSWORD })
    const wrong = await createClient().post('/login', { name: 'wrong', password: 'not this one' })
    const nobody = await createClient().post('/login', { name: 'nobody', password: 'not this one' })
    expect([wrong.status, nobody.status]).toEqual([422, 422])
    expect(await wrong.text()).toBe(await nobody.text())
  })

  it('get a new key at login, and the old one is dead', async () => {
    const client = createClient()
    await client.post('/cart/add', { product: 'tent' })
    const before = client.cookie()
    await client.post('/signup', { name: 'fixed', password: PASSWORD })
    const after = client.cookie()
    expect(after.split('.')[0]).toBe(before.split('.')[0])
    expect(after).not.toBe(before)
    const stolen = await createClient().send('/', { headers: { cookie: before } })
    expect(await stolen.text()).toContain('id="cart-size">0<')
    expect(await client.text('/')).toContain('id="cart-size">1<')
  })

  it('show a flash message once', async () => {
    const client = createClient()
    await client.post('/signup', { name: 'flash', password: PASSWORD })
    expect(await client.text('/account')).toContain('Welcome.')
    expect(await client.text('/account')).not.toContain('Welcome.')
  })

  it('cannot end a session of somebody else', async () => {
    const victim = createClient()
    await victim.post('/signup', { name: 'victim', password: PASSWORD })
    const handle = victim.cookie().slice('__Host-session='.length).split('.')[0] ?? ''
    const mallory = createClient()
    await mallory.post('/signup', { name: 'mallory', password: PASSWORD })
    await mallory.post('/devices/revoke', { handle })
    expect(await victim.text('/account')).toContain('Hello, victim')
  })

  it('do not pass one user’s cart to the next on the same browser', async () => {
    const shared = createClient()
    await shared.post('/signup', { name: 'first', password: PASSWORD })
    await shared.post('/cart/add', { product: 'kettle' })
    await shared.post('/signup', { name: 'second', password: PASSWORD })
    expect(await shared.text('/')).toContain('id="cart-size">0<')
  })
})

describe('the store', () => {
  it('holds no key that could be replayed', async () => {
    const client = createClient()
    await client.post('/signup', { name: 'hashed', password: PASSWORD })
    const key = client.cookie().slice('__Host-session='.length)
    const [handle = '', secret = ''] = key.split('.')
    const db = new DatabaseSync(demo.file)
    const row = db.prepare('SELECT * FROM sojourn_sessions WHERE id = ?').get(handle)
    db.close()
    expect(row).toBeDefined()
    expect(JSON.stringify(row)).not.toContain(secret)
    expect(demo.output()).not.toContain(secret)
  })

  it('loses none of 64 clicks at once', async () => {
    const client = createClient()
    await client.post('/count')
    await Promise.all(Array.from({ length: 64 }, () => client.post('/count')))
    expect(await client.text('/')).toContain('id="count">65<')
  })

  it('that fails is a 503, never a new visitor', async () => {
    const client = createClient()
    await client.post('/count')
    const db = new DatabaseSync(demo.file)
    db.exec('ALTER TABLE sojourn_sessions RENAME TO elsewhere')
    try {
      const response = await client.send('/')
      expect([response.status, response.headers.getSetCookie()]).toEqual([503, []])
      expect((await client.post('/logout')).status).toBe(503)
    } finally {
      db.exec('ALTER TABLE elsewhere RENAME TO sojourn_sessions')
      db.close()
    }
    expect(await client.text('/')).toContain('id="count">1<')
  })
})
