// Session fixation: the attacker gets a key of his choice into the victim's browser before the victim logs in, and
// uses it afterwards. Three ways to plant one, over HTTP, with the defaults.
import { describe, expect, it } from 'vitest'
import { generateKey, generateSuccessor } from '../../src/core/key.ts'
import type { Handle } from '../../src/core/key.ts'
import { ADAPTERS, handleIn, keyIn, openTarget, pairWith } from './support/target.ts'

describe.each(ADAPTERS)('fixation through %s', (_name, serve) => {
  it('by a key that was never issued gives the victim another one', async () => {
    const target = await openTarget(serve)
    const chosen = pairWith(generateKey())
    const victim = target.visitor()
    victim.plant(chosen)
    await victim.visit('/buy')
    expect(handleIn(victim.cookie())).not.toBe(handleIn(chosen))
    await victim.visit('/login/ann')
    expect(await victim.look()).toBe('ann with 1 items')
    expect((await target.ask('/', chosen)).body).toBe('nobody')
  })

  it('by a key that was never issued, at the login itself, gives the victim another one', async () => {
    const target = await openTarget(serve)
    const chosen = pairWith(generateKey())
    const reply = await target.ask('/login/ann', chosen)
    expect(reply.body).toBe('ann with 0 items')
    expect(reply.setCookies.join()).not.toContain(handleIn(chosen))
    expect((await target.ask('/', chosen)).body).toBe('nobody')
  })

  it('by the attacker’s own live key leaves that key worthless after the login', async () => {
    const target = await openTarget(serve)
    const attacker = target.visitor()
    await attacker.visit('/buy')
    const planted = attacker.cookie()
    const reply = await target.ask('/login/ann', planted)
    expect(reply.body).toBe('ann with 1 items')
    expect(reply.setCookies).toHaveLength(1)
    expect(reply.setCookies[0]).not.toContain(keyIn(planted))
    expect(await attacker.look()).toBe('nobody')
    // Nor may he write with it, or take the session over by logging in with it.
    expect((await target.ask('/buy', planted)).setCookies[0]).not.toContain(handleIn(planted))
    const taken = await target.ask('/login/mallory', planted)
    expect(taken.body).toBe('mallory with 0 items')
    expect(taken.setCookies[0]).not.toContain(handleIn(planted))
  })

  it('by a live key with a secret of the attacker’s choice gives the victim another one', async () => {
    const target = await openTarget(serve)
    const attacker = target.visitor()
    await attacker.visit('/buy')
    const forged = pairWith(generateSuccessor(handleIn(attacker.cookie()) as Handle))
    const reply = await target.ask('/login/ann', forged)
    expect(reply.setCookies[0]).not.toContain(handleIn(forged))
    expect((await target.ask('/', forged)).body).toBe('nobody')
  })

  it('by the key of a session that the attacker is logged in to gives the victim a session of their own', async () => {
    const target = await openTarget(serve)
    const attacker = target.visitor()
    await attacker.visit('/login/mallory')
    await attacker.visit('/buy')
    const reply = await target.ask('/login/ann', attacker.cookie())
    // Nothing that the attacker had put there comes along, and the session he shared is over.
    expect(reply.body).toBe('ann with 0 items')
    expect(reply.setCookies[0]).not.toContain(handleIn(attacker.cookie()))
    expect(await attacker.look()).toBe('nobody')
  })

  it('by a cookie tossed in front of the victim’s own ends nowhere once the victim logs in', async () => {
    const target = await openTarget(serve)
    const attacker = target.visitor()
    await attacker.visit('/buy')
    const victim = target.visitor()
    await victim.visit('/buy')
    await victim.visit('/buy')
    victim.plant(attacker.cookie())
    await victim.visit('/login/ann')
    expect(await attacker.look()).toBe('nobody')
    // The tossed cookie is still sent first. It is dead, and the victim's own is found behind it.
    expect(await victim.look()).toMatch(/^ann with/)
    await victim.visit('/buy')
    expect(await attacker.look()).toBe('nobody')
  })
})
