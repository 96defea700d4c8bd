// An old key – copied from a log, a shared computer, a proxy – is sent again after it should be worth nothing.
import { describe, expect, it, onTestFinished } from 'vitest'
import { onSessionEvent } from '../../src/core/events.ts'
import { ADAPTERS, handleIn, openTarget } from './support/target.ts'
import type { Target } from './support/target.ts'

const RENEWED = { renewAfter: 600, renewGrace: 60 }

/** Nothing that the old cookie asks for gets at the session, or changes it. */
async function expectDead(target: Target, old: string): Promise<void> {
  expect((await target.ask('/', old)).body).toBe('nobody')
  for (const path of ['/buy', '/login/mallory']) {
    const reply = await target.ask(path, old)
    // What it makes is a session of its own.
    expect(reply.body).toMatch(/^(?:a guest with 1|mallory with 0) items$/)
    expect(reply.setCookies.join()).not.toContain(handleIn(old))
  }
  const rotated = await target.ask('/rotate', old)
  expect([rotated.body, rotated.setCookies]).toEqual(['nobody', []])
}

describe.each(ADAPTERS)('a replay through %s', (_name, serve) => {
  it('of the key from before the login finds nobody', async () => {
    const target = await openTarget(serve)
    const victim = target.visitor()
    await victim.visit('/buy')
    const old = victim.cookie()
    await victim.visit('/login/ann')
    await expectDead(target, old)
    expect(await victim.look()).toBe('ann with 1 items')
  })

  it('of the key from before a second login of the same user finds nobody', async () => {
    const target = await openTarget(serve)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const old = victim.cookie()
    await victim.visit('/login/ann')
    await expectDead(target, old)
    expect(await victim.look()).toBe('ann with 0 items')
  })

  it('of the key from before a rotation finds nobody', async () => {
    const target = await openTarget(serve)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const old = victim.cookie()
    await victim.visit('/rotate')
    await expectDead(target, old)
    expect(await victim.look()).toBe('ann with 0 items')
  })

  it('of a key from before the last rotation can end the session, and nothing else', async () => {
    const target = await openTarget(serve)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const oldest = victim.cookie()
    await victim.visit('/rotate')
    const old = victim.cookie()
    await victim.visit('/rotate')
    await target.ask('/logout', oldest)
    expect(await victim.look()).toBe('ann with 0 items')
    await target.ask('/logout', old)
    expect(await victim.look()).toBe('nobody')
  })

  it('of the key from before the logout finds nobody', async () => {
    const target = await openTarget(serve)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const old = victim.cookie()
    await victim.visit('/logout')
    expect(victim.cookie()).toBe('')
    await expectDead(target, old)
  })

  it('of the key of a session that was ended from elsewhere finds nobody', async () => {
    const target = await openTarget(serve)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const old = victim.cookie()
    expect(await target.sessions.clearSubject('ann')).toBe(1)
    await expectDead(target, old)
  })

  it('of the key of a session that has timed out finds nobody', async () => {
    const target = await openTarget(serve, { period: 60 })
    const victim = target.visitor()
    await victim.visit('/login/ann')
    target.clock.advance(59)
    expect(await victim.look()).toBe('ann with 0 items')
    target.clock.advance(60)
    await expectDead(target, victim.cookie())
  })

  it('of a key in use, past the absolute lifetime, finds nobody', async () => {
    const target = await openTarget(serve, { period: 60, absolute: 150 })
    const victim = target.visitor()
    await victim.visit('/login/ann')
    for (let seconds = 50; seconds < 150; seconds += 50) {
      target.clock.advance(50)
      expect(await victim.look()).toBe('ann with 0 items')
    }
    target.clock.advance(50)
    await expectDead(target, victim.cookie())
  })

  it('of the key from before a renewal is good for its grace, and finds nobody after it', async () => {
    const target = await openTarget(serve, RENEWED)
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const old = victim.cookie()
    target.clock.advance(600)
    await victim.visit('/')
    expect(victim.cookie()).not.toBe(old)
    // Seen: from here on the grace runs. Requests under way go on, and never learn the new key.
    expect(await victim.look()).toBe('ann with 0 items')
    target.clock.advance(59)
    const late = await target.ask('/buy', old)
    expect([late.body, late.setCookies]).toEqual(['ann with 1 items', []])
    target.clock.advance(1)
    await expectDead(target, old)
    expect(await victim.look()).toBe('ann with 1 items')
  })

  it('of the key from before a renewal dies at once with the next login', async () => {
    const target = await openTarget(serve, RENEWED)
    const victim = target.visitor()
    await victim.visit('/buy')
    const old = victim.cookie()
    target.clock.advance(600)
    await victim.visit('/')
    await victim.visit('/login/ann')
    // Whoever has it gets nowhere near the rights that the login gave.
    await expectDead(target, old)
    expect(await victim.look()).toBe('ann with 1 items')
  })

  it('of the key from before a renewal, after its grace, is reported and ends the session where that is asked for', async () => {
    const target = await openTarget(serve, { ...RENEWED, onReuse: 'end' })
    const reused: unknown[] = []
    onTestFinished(onSessionEvent('sojourn:key.reused', (event) => reused.push(event)))
    const victim = target.visitor()
    await victim.visit('/login/ann')
    const old = victim.cookie()
    target.clock.advance(600)
    await victim.visit('/')
    await victim.look()
    target.clock.advance(60)
    expect(await victim.look()).toBe('ann with 0 items')
    expect((await target.ask('/', old)).body).toBe('nobody')
    expect(reused).toEqual([{ handle: handleIn(old), subject: 'ann', ended: true }])
    expect(await victim.look()).toBe('nobody')
  })
})
