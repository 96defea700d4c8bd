// Two demos in processes of their own, with their sessions on one server: what a visitor sees of PostgreSQL, Redis and
// MariaDB over real HTTP, also when the server is killed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'
import { createClient } from './support/client.ts'
import type { Client } from './support/client.ts'
import { startDemo } from './support/demo-server.ts'
import type { DemoServer } from './support/demo-server.ts'

const PASSWORD = 'correct horse battery'
const engines = [
  { name: 'PostgreSQL', start: () => startPostgres() },
  { name: 'Redis', start: () => startRedis() },
  { name: 'MariaDB', start: () => startMariadb() },
] as const

type Server = Awaited<ReturnType<(typeof engines)[number]['start']>>

/** A client of one demo with the cookie of another's. */
function sameVisitor(demo: DemoServer, client: Client): Pick<Client, 'send' | 'post' | 'text'> {
  const other = createClient(demo.origin)
  const headers = () => ({ cookie: client.cookie() })
  return {
    send: (path) => other.send(path, { headers: headers() }),
    post: (path, fields) => other.post(path, fields, headers()),
    text: async (path) => (await other.send(path, { headers: headers() })).text(),
  }
}

describe.each(engines)('two demos on one $name', ({ name, start }) => {
  let server: Server
  let here: DemoServer
  let there: DemoServer

  beforeAll(async () => {
    server = await start()
    here = await startDemo({ sessions: server.url })
    there = await startDemo({ sessions: server.url, users: here.file })
  })

  afterAll(async () => {
    await here?.close()
    await there?.close()
    await server?.stop()
  })

  it('say where the sessions are, and not by which URL', () => {
    expect(here.output()).toContain(`(sessions in ${name}`)
    expect(here.output()).not.toContain(server.url)
  })

  it('store nothing for a visitor who only looks', async () => {
    const response = await createClient(here.origin).send('/')
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []])
  })

  it('lose none of 16 clicks at once, eight at each', async () => {
    const client = createClient(here.origin)
    await client.post('/count')
    const elsewhere = sameVisitor(there, client)
    const clicks = Array.from({ length: 16 }, (_, n) =>
      (n % 2 === 0 ? client : elsewhere).post('/count'),
    )
    for (const click of await Promise.all(clicks)) expect(click.status).toBe(303)
    expect(await elsewhere.text('/')).toContain('id="count">17<')
  })

  it('share a login, show it as a device, and end it everywhere', async () => {
    const client = createClient(here.origin)
    await client.post('/count')
    const before = client.cookie()
    await client.post('/signup', { name: `ada of ${name}`, password: PASSWORD })
    expect(client.cookie()).not.toBe(before)
    const elsewhere = sameVisitor(there, client)
    expect(await elsewhere.text('/account')).toContain(`Hello, ada of ${name}`)
    expect(await elsewhere.text('/')).toContain('id="count">1<')
    const stale = await createClient(there.origin).send('/account', { headers: { cookie: before } })
    expect(stale.headers.get('location')).toContain('/login')
    const cookie = client.cookie()
    expect((await elsewhere.post('/logout')).status).toBe(303)
    const late = await createClient(here.origin).send('/account', { headers: { cookie } })
    expect(late.headers.get('location')).toContain('/login')
  })

  it('answer 503 and set no cookie while the server is gone, and go on when it is back', async () => {
    const client = createClient(here.origin)
    await client.post('/signup', { name: `bob of ${name}`, password: PASSWORD })
    const cookie = client.cookie()
    await server.kill('SIGKILL')
    for (const ask of [() => client.send('/account'), () => client.post('/count')]) {
      const response = await ask()
      expect([response.status, response.headers.getSetCookie()]).toEqual([503, []])
    }
    await server.restart()
    await expect
      .poll(() => client.text('/account'), { timeout: 20_000, interval: 100 })
      .toContain(`Hello, bob of ${name}`)
    expect(client.cookie()).toBe(cookie)
  })
})
