import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, it } from 'vitest'
import {
  onSessionEvent,
  operationStart,
  publishCleared,
  publishCreated,
  publishFault,
  publishOperation,
  publishSwept,
} from '../../src/core/events.ts'
import type { SessionEventName } from '../../src/core/event-messages.ts'
import { BackendError } from '../../src/core/errors.ts'
import { generateKey, handleOf } from '../../src/core/key.ts'

const handle = handleOf(generateKey())
const stops: (() => void)[] = []

afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

function fail(): never {
  throw new Error('my log is full')
}

function listen<Name extends SessionEventName>(name: Name): unknown[] {
  const heard: unknown[] = []
  stops.push(onSessionEvent(name, (event) => heard.push(event)))
  return heard
}

describe('onSessionEvent', () => {
  it('hears what is published, until it is stopped', () => {
    const heard: unknown[] = []
    const stop = onSessionEvent('sojourn:session.created', (event) => heard.push(event))
    publishCreated(handle, 'ann', 60)
    stop()
    publishCreated(handle, 'bob', 60)
    expect(heard).toEqual([{ handle, subject: 'ann', period: 60 }])
  })

  it('can be stopped twice, and stops no other listener', () => {
    const others = listen('sojourn:session.created')
    const stop = onSessionEvent('sojourn:session.created', () => {})
    stop()
    stop()
    publishCreated(handle, undefined, 60)
    expect(others).toHaveLength(1)
  })

  it('calls the listener in the context of the request', () => {
    const requests = new AsyncLocalStorage<string>()
    const heard: unknown[] = []
    stops.push(onSessionEvent('sojourn:session.created', () => heard.push(requests.getStore())))
    requests.run('request 7', () => publishCreated(handle, undefined, 60))
    expect(heard).toEqual(['request 7'])
  })

  it.each([
    ['throws', () => fail()],
    ['rejects', () => Promise.reject(new Error('my log is full'))],
  ])('warns once of a listener that %s, and goes on', async (_how, listener) => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    stops.push(() => process.off('warning', note))
    stops.push(onSessionEvent('sojourn:session.created', listener as () => void))
    const others = listen('sojourn:session.created')
    publishCreated(handle, undefined, 60)
    publishCreated(handle, undefined, 60)
    await new Promise(setImmediate)
    expect(others).toHaveLength(2)
    expect(warnings.map(({ name }) => name)).toEqual(['SessionEventWarning'])
    expect(warnings[0]?.message).toMatch(/^a listener of sojourn:session.created failed: .*my log/)
  })

  it('warns of a listener that throws what has no text', async () => {
    const warnings: string[] = []
    const note = ({ message }: Error): void => void warnings.push(message)
    process.on('warning', note)
    stops.push(() => process.off('warning', note))
    const silent: unknown = Object.create(null)
    const listener = (): never => {
      throw silent
    }
    stops.push(onSessionEvent('sojourn:session.created', listener))
    publishCreated(handle, undefined, 60)
    await new Promise(setImmediate)
    expect(warnings).toEqual(['a listener of sojourn:session.created failed: object'])
  })

  it('refuses a name that no event has, and what is no function', () => {
    const wrong = 'sojourn:session.creatd' as SessionEventName
    expect(() => onSessionEvent(wrong, () => {})).toThrow('"name" must be the name of an event')
    const listener = 'log' as unknown as () => void
    expect(() => onSessionEvent('sojourn:store.fault', listener)).toThrow(TypeError)
  })
})

describe('the channels', () => {
  it('are those of node:diagnostics_channel, by their names', () => {
    const heard: unknown[] = []
    const receive = (message: unknown, name: string | symbol): void => {
      heard.push([name, message])
    }
    subscribe('sojourn:session.created', receive)
    publishCreated(handle, undefined, 60)
    unsubscribe('sojourn:session.created', receive)
    const message = { handle, subject: undefined, period: 60 }
    expect(heard).toEqual([['sojourn:session.created', message]])
  })
})

describe('publishCleared', () => {
  it('says nothing where nothing was ended', () => {
    const heard = listen('sojourn:session.cleared')
    publishCleared('subject', 0, undefined, 'ann')
    publishCleared('subject', 2, undefined, 'ann')
    publishCleared('key', undefined, handle, undefined)
    expect(heard).toEqual([
      { by: 'subject', count: 2, handle: undefined, subject: 'ann' },
      { by: 'key', count: undefined, handle, subject: undefined },
    ])
  })
})

describe('publishFault', () => {
  it('tells of one error once, however many guards it passes', () => {
    const heard = listen('sojourn:store.fault')
    const cause = Object.assign(new Error('password "x" refused'), { code: '28P01' })
    const error = new BackendError('the backend failed to get a session', { cause })
    publishFault('get', error)
    publishFault('get', error)
    expect(heard).toEqual([{ operation: 'get', message: error.message, causeCode: '28P01' }])
  })

  it.each([undefined, null, 'text', {}, { code: 7 }, { code: 'a b' }, { code: 'x'.repeat(65) }])(
    'has no code of a cause like %o',
    (cause) => {
      const heard = listen('sojourn:store.fault')
      publishFault('set', new BackendError('no', { cause }))
      expect(heard).toEqual([{ operation: 'set', message: 'no', causeCode: undefined }])
    },
  )
})

describe('publishOperation', () => {
  it('reads no clock while nobody listens', () => {
    expect(operationStart()).toBeUndefined()
  })

  it('tells when the call began and how long it took', () => {
    const heard = listen('sojourn:store.operation')
    const before = Date.now()
    const start = operationStart()
    publishOperation('get', start, 'ok')
    const [event] = heard as { startedAtMs: number; durationMs: number }[]
    expect(event).toMatchObject({ operation: 'get', outcome: 'ok' })
    expect(event?.durationMs).toBeGreaterThanOrEqual(0)
    // Two clocks of one machine, which a correction may have moved apart.
    expect(Math.abs((event?.startedAtMs ?? 0) - before)).toBeLessThan(60_000)
  })

  it('says nothing of a call that began before anybody listened', () => {
    const start = operationStart()
    const heard = listen('sojourn:store.operation')
    publishOperation('get', start, 'ok')
    expect(heard).toEqual([])
  })
})

describe('publishSwept', () => {
  it('says nothing of a sweep that found nothing', () => {
    const heard = listen('sojourn:store.swept')
    publishSwept(0, performance.now())
    publishSwept(3, performance.now())
    expect(heard).toEqual([{ removed: 3, durationMs: expect.any(Number) }])
  })
})
