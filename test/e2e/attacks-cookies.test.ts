// Cookie headers that no browser of a visitor would send: too many, too long, not ours.
import { describe, expect, it } from 'vitest'
import { generateKey } from '../../src/core/key.ts'
import { ADAPTERS, openTarget, pairWith } from './support/target.ts'

// Node refuses a head of more than 16 KiB by itself; these come close.
const HEADER_BYTES = 15_000

const MALFORMED: Readonly<Record<string, string>> = {
  'one of 15,000 bytes': pairWith('x'.repeat(HEADER_BYTES)),
  'a key with a byte too many': `${pairWith(generateKey())}x`,
  'a key with a byte too few': pairWith(generateKey()).slice(0, -1),
  'a key in single quotes': pairWith(`'${generateKey()}'`),
  'a key in percent-encoding': pairWith(generateKey().replace('.', '%2E')),
  'a key of another alphabet': pairWith(`${'+/'.repeat(11)}.${'é'.repeat(20)}aaa`),
  'a statement of SQL': pairWith(`' OR 1=1 --`),
  'a command of Redis': pairWith(`x%0D%0AFLUSHALL%0D%0A`),
  'the name of something inherited': pairWith('__proto__'),
  nothing: pairWith(''),
  'a thousand of them': Array.from({ length: 900 }, () => pairWith('')).join(';'),
}

describe.each(ADAPTERS)('through %s', (_name, serve) => {
  it.each(Object.entries(MALFORMED))('%s never reaches the store', async (_what, cookie) => {
    const target = await openTarget(serve)
    const reply = await target.ask('/', cookie)
    expect([reply.status, reply.body, reply.setCookies]).toEqual([200, 'nobody', []])
    expect(target.store.takeCalls()).toEqual([])
  })

  it('a header that is over the server’s limit costs no call of the store', async () => {
    const target = await openTarget(serve)
    const reply = await target.ask('/', pairWith('x'.repeat(40_000)))
    expect(reply.status).toBe(431)
    expect(target.store.takeCalls()).toEqual([])
  })

  it('150 keys in one header cost four reads', async () => {
    const target = await openTarget(serve)
    const cookie = Array.from({ length: 150 }, () => pairWith(generateKey())).join('; ')
    expect((await target.ask('/', cookie)).body).toBe('nobody')
    expect(target.store.takeCalls()).toEqual(['read', 'read', 'read', 'read'])
  })

  it('a visitor’s key is found behind junk of the same name, with one read', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/login/ann')
    target.store.takeCalls()
    const junk = Array.from({ length: 500 }, () => pairWith('junk')).join('; ')
    const reply = await target.ask('/', `${junk}; ${visitor.cookie()}`)
    expect(reply.body).toBe('ann with 0 items')
    expect(target.store.takeCalls()).toEqual(['read'])
  })

  it('a name that only looks like ours is not read', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/login/ann')
    const value = visitor.cookie().slice('__Host-session='.length)
    for (const name of ['__host-session', '__HOST-SESSION', '__Host-sessio', 'session', '']) {
      expect((await target.ask('/', `${name}=${value}`)).body).toBe('nobody')
    }
  })

  it('a key in the address or in another header is not read', async () => {
    const target = await openTarget(serve)
    const visitor = target.visitor()
    await visitor.visit('/login/ann')
    target.store.takeCalls()
    const key = visitor.cookie().slice('__Host-session='.length)
    const paths = [`/?__Host-session=${key}`, `/?session=${key}`, `/look;__Host-session=${key}`]
    for (const path of paths) expect((await target.ask(path)).body).toBe('nobody')
    expect(target.store.takeCalls()).toEqual([])
  })

  it('nothing that a client sends comes back in a header', async () => {
    const target = await openTarget(serve)
    const cookie = `${pairWith('x')}; evil=1\u00e9; ${pairWith('y, Set-Cookie: a=b')}`
    const reply = await target.ask('/buy', cookie)
    expect(reply.setCookies).toHaveLength(1)
    expect(reply.setCookies[0]).toMatch(/^__Host-session=[\w-]{22}\.[\w-]{43}; Max-Age=\d+; Path=/)
  })
})
