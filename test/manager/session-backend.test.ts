import { describe, expect, it } from 'vitest'
import type { Backend, SessionBackend } from '../../src/index.ts'
import { createSessionManager } from '../../src/index.ts'
import { createPlainBackend } from './plain-backend.ts'

function createByHand(more: Partial<Record<keyof SessionBackend, unknown>>) {
  const rest = { touch: () => {}, rotate: () => {}, clearHandle: () => {} }
  const backend = { ...createPlainBackend(), ...rest, ...more } as Backend
  return createSessionManager({ backend })
}

describe('a SessionBackend written by hand', () => {
  it('has the faults of its own operations wrapped', async () => {
    const down = new Error('down')
    const fail = () => Promise.reject(down)
    const touchDue = { fromMs: 1, toMs: 2, period: 60 }
    const sessions = createByHand({
      get: () => ({ ok: true, value: '1', period: 5, touchDue }),
      touch: fail,
      rotate: fail,
      list: fail,
      clearHandle: fail,
      clearSubject: fail,
      clearAll: fail,
    })
    const found = await sessions.fromKey('key')
    if (!found.ok) throw new Error(found.reason)
    for (const [task, run] of [
      ['touch a session', () => sessions.touch(found.session)],
      ['rotate a session', () => sessions.rotate(found.session)],
      ['rotate a session', () => sessions.bind(found.session, 'ann')],
      ['list sessions', () => sessions.list('ann')],
      ['clear a session', () => sessions.clearHandle('handle')],
      ["clear a subject's sessions", () => sessions.clearSubject('ann')],
      ['clear all sessions', () => sessions.clearAll()],
    ] as const) {
      await expect(run()).rejects.toMatchObject({
        code: 'ERR_SESSION_BACKEND',
        message: `the backend failed to ${task}`,
        cause: down,
      })
    }
    expect(found.session).toMatchObject({ key: 'key', expiryPeriod: 5, modified: false })
  })

  it('need not report what is known beside the value', async () => {
    const given: unknown[] = []
    const sessions = createByHand({
      rotate: (...args: unknown[]) => {
        given.push(args)
        return { ok: true, key: 'next', period: 7, securityVersion: 5, authenticatedAtMs: 1000 }
      },
    })
    const session = await sessions.generate(1)
    expect(session).toMatchObject({ version: undefined, expiryPeriod: 60, labels: {} })
    await sessions.rotate(session, { authenticated: true })
    expect(given).toEqual([['session-1', 1, { authenticated: true, labels: undefined }]])
    expect(session).toMatchObject({
      key: 'next',
      expiryPeriod: 7,
      subject: undefined,
      createdAt: undefined,
      authenticatedAt: new Date(1000),
      labels: {},
      modified: true,
    })
    await sessions.rotate(session, { labels: { at: 'desk' } })
    expect(given[1]).toEqual(['next', 5, { authenticated: undefined, labels: { at: 'desk' } }])
    expect(session.labels).toEqual({ at: 'desk' })
  })
})
