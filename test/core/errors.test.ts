import { describe, expect, it } from 'vitest'
import type { AnySessionError, SessionErrorCode } from '../../src/core/errors.ts'
import {
  AuthenticationRequiredError,
  BackendError,
  CrossSiteRequestError,
  guardBackend,
  HeadersSentError,
  InvalidCookieError,
  InvalidPeriodError,
  InvalidValueError,
  isSessionError,
  SchemaFaultError,
  SessionConflictError,
  SessionError,
  SessionGoneError,
  SubjectLimitError,
  UnsupportedOperationError,
} from '../../src/core/errors.ts'

type SessionErrorClass = new (message: string, options?: ErrorOptions) => AnySessionError

const CLASSES: readonly (readonly [SessionErrorClass, name: string, code: SessionErrorCode])[] = [
  [
    AuthenticationRequiredError,
    'AuthenticationRequiredError',
    'ERR_SESSION_AUTHENTICATION_REQUIRED',
  ],
  [BackendError, 'BackendError', 'ERR_SESSION_BACKEND'],
  [CrossSiteRequestError, 'CrossSiteRequestError', 'ERR_SESSION_CROSS_SITE'],
  [HeadersSentError, 'HeadersSentError', 'ERR_SESSION_HEADERS_SENT'],
  [InvalidCookieError, 'InvalidCookieError', 'ERR_SESSION_INVALID_COOKIE'],
  [InvalidPeriodError, 'InvalidPeriodError', 'ERR_SESSION_INVALID_PERIOD'],
  [InvalidValueError, 'InvalidValueError', 'ERR_SESSION_INVALID_VALUE'],
  [SchemaFaultError, 'SchemaFaultError', 'ERR_SESSION_SCHEMA_FAULT'],
  [SessionConflictError, 'SessionConflictError', 'ERR_SESSION_CONFLICT'],
  [SessionGoneError, 'SessionGoneError', 'ERR_SESSION_GONE'],
  [SubjectLimitError, 'SubjectLimitError', 'ERR_SESSION_SUBJECT_LIMIT'],
  [UnsupportedOperationError, 'UnsupportedOperationError', 'ERR_SESSION_UNSUPPORTED_OPERATION'],
]

const coded = (code: unknown): Error => Object.assign(new Error('foreign'), { code })

describe.each(CLASSES)('%o', (Class, name, code) => {
  it(`is a SessionError called ${name} with the code ${code}`, () => {
    const error: AnySessionError = new Class('message', { cause: 'cause' })
    expect(error).toBeInstanceOf(SessionError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name, code, message: 'message', cause: 'cause' })
    expect(error.stack).toContain('message')
    expect(isSessionError(error)).toBe(true)
  })
})

describe('isSessionError', () => {
  it('recognises an error of a second installed copy by its code', () => {
    expect(isSessionError(coded('ERR_SESSION_GONE'))).toBe(true)
    expect(isSessionError(coded('ERR_SESSION_OF_A_LATER_RELEASE'))).toBe(true)
  })

  it.each([
    ['an error without a code', new Error('ERR_SESSION_GONE')],
    ['an error with another code', coded('ECONNREFUSED')],
    ['an error whose code only ends like one', coded('MY_ERR_SESSION_GONE')],
    ['an error whose code is no string', coded(5)],
    ['an error whose code is undefined', coded(undefined)],
    ['an error whose code is an array', coded(['ERR_SESSION_GONE'])],
    ['an object that is no error', { code: 'ERR_SESSION_GONE' }],
    ['a code', 'ERR_SESSION_GONE'],
    ['null', null],
    ['undefined', undefined],
  ])('does not recognise %s', (_, error) => expect(isSessionError(error)).toBe(false))
})

describe('guardBackend', () => {
  it.each([
    ['a result', () => 5],
    ['a promise of it', () => Promise.resolve(5)],
  ])('passes %s on', async (_, run) => expect(await guardBackend('get', run)).toBe(5))

  it('calls the operation once, and at once', async () => {
    let calls = 0
    const running = guardBackend('get', () => calls++)
    expect(calls).toBe(1)
    await running
    expect(calls).toBe(1)
  })

  it.each([
    ['an error thrown', new Error('down')],
    ['a string thrown', 'down'],
    ['undefined thrown', undefined],
    ['an object thrown', { code: 'ERR_SESSION_GONE' }],
  ])('wraps %s in BackendError, with it as cause', async (_, fault) => {
    const thrown = (async () =>
      guardBackend('get', () => {
        throw fault
      }))()
    await expect(thrown).rejects.toThrow(BackendError)
    await expect(thrown).rejects.toHaveProperty('cause', fault)
    await expect(thrown).rejects.toHaveProperty('message', 'the backend failed to read a session')
  })

  it('wraps a rejection as it wraps an exception', async () => {
    const fault = new Error('down')
    const failed = Promise.resolve(guardBackend('get', () => Promise.reject(fault)))
    const error: unknown = await failed.catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(BackendError)
    expect(error).toHaveProperty('cause', fault)
  })

  it.each(CLASSES.map(([Class]) => new Class('own')))('passes %s through as it is', async (own) => {
    const caught = guardBackend('get', () => Promise.reject(own))
    await expect(caught).rejects.toBe(own)
  })

  it('passes a foreign copy of an error through as it is', async () => {
    const foreign = coded('ERR_SESSION_CONFLICT')
    await expect(guardBackend('get', () => Promise.reject(foreign))).rejects.toBe(foreign)
  })

  it('wraps once, however many guards a fault meets', async () => {
    const fault = new Error('down')
    const inner = () => guardBackend('get', () => Promise.reject(fault))
    await expect(guardBackend('set', inner)).rejects.toHaveProperty('cause', fault)
  })
})
