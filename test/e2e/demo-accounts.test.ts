import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, holdPost } from './support/client.ts'
import type { Client } from './support/client.ts'
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

async function signUp(name: string): Promise<Client> {
  const client = newClient()
  const response = await client.post('/signup', { name, password: PASSWORD })
  expect(response.headers.get('location')).toBe('/account')
  return client
}

async function logIn(name: string): Promise<Client> {
  const client = newClient()
  const response = await client.post('/login', { name, password: PASSWORD })
  expect(response.headers.get('location')).toBe('/account')
  return client
}

function handleOf(client: Client): string {
  return client.cookie().slice('__Host-session='.length).split('.')[0] ?? ''
}

async function isIn(client: Client): Promise<boolean> {
  return (await client.send('/account')).status === 200
}

describe('logging in', () => {
  it('says the same of a wrong password and of nobody', async () => {
    await signUp('wrong')
    const wrong = await newClient().post('/login', { name: 'wrong', password: 'not this one' })
    const nobody = await newClient().post('/login', { name: 'nobody', password: 'not this one' })
    expect([wrong.status, nobody.status]).toEqual([422, 422])
    expect([...wrong.headers.keys()]).toEqual([...nobody.headers.keys()])
    const text = await wrong.text()
    expect(text).toContain('That name and password do not go together.')
    expect(text).toBe((await nobody.text()).replace('value="nobody"', 'value="wrong"'))
  })

  it('takes as long for nobody as for a wrong password', async () => {
    await signUp('slow')
    const shortest = { slow: Infinity, nobody: Infinity }
    for (let turn = 0; turn < 3; turn++) {
      for (const name of ['slow', 'nobody'] as const) {
        const begin = performance.now()
        await newClient().post('/login', { name, password: 'not this one' })
        shortest[name] = Math.min(shortest[name], performance.now() - begin)
      }
    }
    // Without a hash to compute, nobody would take a hundredth.
    expect(shortest.nobody / shortest.slow).toBeGreaterThan(0.3)
  })

  it('refuses a name that somebody has, in other letters too', async () => {
    await signUp('Taken')
    const response = await newClient().post('/signup', { name: 'tAKEN', password: PASSWORD })
    expect([response.status, response.headers.getSetCookie()]).toEqual([422, []])
  })

  it('refuses names and passwords that are too long or too short', async () => {
    const bad: Record<string, string>[] = [
      {},
      { name: '  ', password: PASSWORD },
      { name: 'x'.repeat(41), password: PASSWORD },
      { name: 'fine', password: 'seven77' },
      { name: 'fine', password: 'x'.repeat(201) },
    ]
    for (const fields of bad) expect((await newClient().post('/signup', fields)).status).toBe(422)
  })

  it('gives a new key, and the old one is dead', async () => {
    const client = newClient()
    await client.post('/cart/add', { product: 'tent' })
    const before = client.cookie()
    await client.post('/signup', { name: 'fixed', password: PASSWORD })
    expect(client.cookie().split('.')[0]).toBe(before.split('.')[0])
    expect(client.cookie()).not.toBe(before)
    const stolen = await newClient().send('/', { headers: { cookie: before } })
    expect(await stolen.text()).toContain('id="cart-size">0<')
    expect(await client.text('/')).toContain('id="cart-size">1<')
  })

  it('does not pass one user’s cart to the next on the same browser', async () => {
    const shared = await signUp('first')
    await shared.post('/cart/add', { product: 'kettle' })
    await shared.post('/signup', { name: 'second', password: PASSWORD })
    expect(await shared.text('/')).toContain('id="cart-size">0<')
  })
})

describe('a flash message', () => {
  it('shows once', async () => {
    const client = await signUp('flash')
    expect(await client.text('/account')).toContain('>Welcome.')
    expect(await client.text('/account')).not.toContain('>Welcome.')
  })

  it('shows in one of ten tabs that load at once', async () => {
    const client = await signUp('tabs')
    const pages = await Promise.all(Array.from({ length: 10 }, () => client.text('/account')))
    expect(pages.filter((page) => page.includes('>Welcome.'))).toHaveLength(1)
  })
})

describe('devices', () => {
  it('are logged out from another one of the same user', async () => {
    const here = await signUp('owner')
    const there = await logIn('owner')
    await here.post('/devices/revoke', { handle: handleOf(there) })
    expect(await here.text('/account')).toContain('That device is logged out.')
    expect([await isIn(here), await isIn(there)]).toEqual([true, false])
  })

  it('of somebody else stay as they are', async () => {
    const victim = await signUp('victim')
    const mallory = await signUp('mallory')
    await mallory.post('/devices/revoke', { handle: handleOf(victim) })
    expect(await mallory.text('/account')).toContain('No such device is logged in.')
    expect(await isIn(victim)).toBe(true)
  })

  it('stay as they are for somebody who is not logged in', async () => {
    const victim = await signUp('victim 2')
    const response = await newClient().post('/devices/revoke', { handle: handleOf(victim) })
    expect(response.headers.get('location')).toBe('/login?note=account')
    expect(await isIn(victim)).toBe(true)
  })

  it('are ten at the most: the oldest makes room', async () => {
    const oldest = await signUp('many')
    const second = await logIn('many')
    for (let count = 2; count <= 10; count++) await logIn('many')
    expect([await isIn(oldest), await isIn(second)]).toEqual([false, true])
  })
})

describe('logging out', () => {
  it('ends the session for good, and evicts the cookie', async () => {
    const client = await signUp('leaving')
    const old = client.cookie()
    const response = await client.post('/logout')
    expect(response.headers.get('location')).toBe('/login?note=left')
    expect(client.cookie()).toBe('')
    const replay = await newClient().send('/account', { headers: { cookie: old } })
    expect(replay.headers.get('location')).toBe('/login?note=account')
  })

  it('everywhere ends every session of the user, and of nobody else', async () => {
    const devices = [await signUp('everywhere'), await logIn('everywhere')] as const
    const other = await signUp('bystander')
    await devices[0].post('/logout-everywhere')
    expect(devices[0].cookie()).toBe('')
    expect([await isIn(devices[1]), await isIn(other)]).toEqual([false, true])
  })

  const writes = [
    { path: '/count', fields: {} },
    { path: '/cart/add', fields: { product: 'tent' } },
    { path: '/login', fields: { name: 'raced /login', password: PASSWORD } },
  ]
  for (const { path, fields } of writes) {
    it(`fails a ${path} that had begun before, and the session stays dead`, async () => {
      const client = await signUp(`raced ${path}`)
      const old = client.cookie()
      const held = await holdPost(demo.origin, path, old)
      await client.post('/logout')
      const answer = await held.finish(fields)
      expect([answer.statusCode, answer.headers.location]).toEqual([303, '/login?note=ended'])
      expect(answer.headers['set-cookie']).toBeUndefined()
      const replay = await newClient().send('/account', { headers: { cookie: old } })
      expect(replay.status).toBe(303)
    })
  }
})
